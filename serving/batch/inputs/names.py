"""How files are called in ids, messages and summaries: a name on disk may be any bytes, text is UTF-8."""


def as_utf8(name: str) -> str:
    r"""Return *name* with the bytes that are not UTF-8 written out, as in `b\xff.png`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
