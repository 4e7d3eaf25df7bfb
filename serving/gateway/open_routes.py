"""The routes that need no API key and are not traced. Probes among them are logged only if they fail."""

PROBES = {
    "health.alive": "/healthz",
    "health.ready": "/readyz",
    "health.numbers": "/metrics",
    "inference_v2.live": "/v2/health/live",
    "inference_v2.ready": "/v2/health/ready",
}
"""Flask's names and the paths of what probes and Prometheus request, usually without a key.

The replies have names, versions and numbers only.
"""

_PAGES = frozenset({"page.page", "page.monitor", "page.static", "docs.page", "docs.start", "docs.asset"})
"""Pages without data of their own: they request the API with the key that a person enters."""

OPEN_ROUTES = _PAGES | PROBES.keys()
"""Flask's names of all routes that need no API key."""

PROBE_PATHS = frozenset(PROBES.values())
