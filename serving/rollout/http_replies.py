"""GET over HTTP, with limits on time and size."""

import time
import urllib.request
from http.client import HTTPException, HTTPResponse

from serving.rollout.errors import NoEvidence

SECONDS = 5.0
_MAX_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024

# Without the environment's proxies: what is asked is on this machine or in this cluster.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> bytes:
    """Return the body at *url*, whose scheme was checked. Raise NoEvidence."""
    try:
        with _opener.open(url, timeout=SECONDS) as reply:
            body = _read(reply)
    except (OSError, ValueError, HTTPException) as error:  # the last of a reply that was cut off
        raise NoEvidence(f"{url.partition('?')[0]} does not answer: {getattr(error, 'reason', error)}") from error
    if len(body) > _MAX_BYTES:
        raise NoEvidence(f"{url.partition('?')[0]} answers with more than {_MAX_BYTES:,} bytes")
    return body


def _read(reply: HTTPResponse) -> bytes:
    """Return the body, or a byte more than its limit; raises TimeoutError if it comes too slowly."""
    body, until = bytearray(), time.monotonic() + SECONDS
    while len(body) <= _MAX_BYTES and (some := reply.read1(_CHUNK_BYTES)):
        body += some
        if time.monotonic() > until:
            raise TimeoutError(f"its answer takes longer than {SECONDS:g} s")
    if reply.length:
        raise HTTPException("its answer was cut off")
    return bytes(body)
