"""How a canary changes the weights of its model, unless somebody else did meanwhile."""

from dataclasses import replace

from serving.catalog.weights import Lines, Share
from serving.rollout.errors import ChangedByOthers


def given(lines: Lines, version: int, stable: int, share: Share, before: float | None) -> Lines:
    """Return the lines with another *share* of *version*, which had *before* (percent; None for no share).

    Raise ChangedByOthers if that is not so.
    """
    _check(lines, version, stable, before)
    return replace(lines, stable=stable, shares={**lines.shares, version: share})


def finished(lines: Lines, version: int, stable: int, before: float) -> Lines:
    """Return the lines with *version* as the stable one. Raise ChangedByOthers."""
    _check(lines, version, stable, before)
    return replace(lines, stable=version, shares=_without(lines, version))


def withdrawn(lines: Lines, version: int) -> Lines:
    """Return the lines without the share of *version*: it gets nothing. Raise ChangedByOthers if it is stable."""
    if lines.stable == version:
        raise ChangedByOthers(f"version {version} was made stable by somebody else, and stays so")
    return replace(lines, shares=_without(lines, version))


def refused(lines: Lines, version: int, reason: str) -> Lines:
    """Return the lines with *version* refused. Raise ChangedByOthers if it is stable."""
    return replace(withdrawn(lines, version), refused={**lines.refused, version: reason})


def _check(lines: Lines, version: int, stable: int, before: float | None) -> None:
    if version in lines.refused:
        raise ChangedByOthers(f"version {version} was refused by somebody else: {lines.refused[version]}")
    if lines.stable not in (stable, None):
        raise ChangedByOthers(f"expected version {stable} to be stable, which {lines.stable} is now")
    share = lines.shares.get(version)
    if (share.percent if share else None) != before:
        now = f"{share.percent:g} %" if share else "none"
        was = "none" if before is None else f"{before:g} %"
        raise ChangedByOthers(f"expected version {version} to have the share it was given, {was}, and it has {now}")


def _without(lines: Lines, version: int) -> dict[int, Share]:
    return {other: share for other, share in lines.shares.items() if other != version}
