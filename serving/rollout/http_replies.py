"""GET over HTTP, with limits on time and size."""

import urllib.request

from serving.rollout.errors import NoEvidence

SECONDS = 5.0
_MAX_BYTES = 64 * 1024 * 1024

# Without the environment's proxies: what is asked is on this machine or in this cluster.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> bytes:
    """Return the body at *url*, whose scheme was checked. Raise NoEvidence."""
    try:
        with _opener.open(url, timeout=SECONDS) as reply:
            body: bytes = reply.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise NoEvidence(f"{url.partition('?')[0]} does not answer: {getattr(error, 'reason', error)}") from error
    if len(body) > _MAX_BYTES:
        raise NoEvidence(f"{url.partition('?')[0]} answers with more than {_MAX_BYTES:,} bytes")
    return body
