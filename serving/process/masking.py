"""Keeps secrets out of what is shown of a text that somebody wrote into a setting or an address."""

import re

_SECRETS = re.compile(
    r"(?<=//)[^/@\s'\"]+(?=@)"  # user and password of an address
    r"|plumbline_[\w-]{20,}"  # an API key
    r"|-----BEGIN [^'\"]*"  # a key or certificate itself, where its file was expected
)


def masked(text: str) -> str:
    """Return *text* with `***` in place of passwords in addresses, API keys and PEM blocks."""
    return _SECRETS.sub("***", text)


def has_password(address: str) -> bool:
    """Return whether an address names a user or a password, as in `https://me:secret@host/`."""
    return bool(re.match(r"[a-z0-9+.-]+://[^/@]+@", address, re.IGNORECASE))
