"""Who may ask: where API keys are set, everything but what stands here needs one."""

import time

from flask import Flask, request

from serving.errors import Unauthorized
from serving.gateway.middleware.key_file import KeyFile
from serving.gateway.middleware.rate_limit import RateLimiter
from serving.gateway.request_facts import request_facts
from serving.gateway.routing import is_prediction
from serving.gateway.settings import Settings

OPEN = frozenset(
    {
        # The page and the documents are empty without the API, which they ask with the key that they are given.
        *("page.page", "page.static", "docs.page", "docs.start", "docs.asset"),
        # Probes and Prometheus have no key as a rule; what they are told are names, versions and numbers.
        *("health.alive", "health.ready", "health.numbers", "inference_v2.live", "inference_v2.ready"),
    }
)
"""Flask's names of the routes that need no key."""


def register_access(app: Flask, settings: Settings) -> None:
    """Make *app* ask for a key, and count its owner's requests, as far as *settings* want it."""
    if settings.api_keys_file is None:
        return
    keys = KeyFile(settings.api_keys_file)
    limiter = RateLimiter(settings.rate_limit) if settings.rate_limit else None

    @app.before_request
    def check() -> None:
        if request.endpoint in OPEN:
            return
        if is_prediction():
            request_facts().started = time.perf_counter()  # a refused request is counted like others
        owner = keys.owner(_given())
        if owner is None:
            raise Unauthorized
        request_facts().owner = owner
        if limiter:
            limiter.take(owner)


def _given() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
