"""Rates and times as they are given to commands."""

import re

import click

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_LONG_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_SECONDS = 30 * 86400
_MAX_RATE = 10_000_000


class Rate(click.ParamType[float]):
    """Requests a second."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return requests a second."""
        if not re.fullmatch(r"\d{1,8}(\.\d{1,9})?", str(value)) or not 0 < float(str(value)) <= _MAX_RATE:
            self.fail(f"expected requests a second, more than 0 and at most {_MAX_RATE:,}, got {value!r}", param, ctx)
        return float(str(value))


class Duration(click.ParamType[float]):
    """A time with its unit."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(us|ms|s)", str(value))
        if not found or not float(found[1]):
            self.fail(f"expected a time such as 50ms or 0.2s, got {value!r}", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


class LongDuration(click.ParamType[float]):
    """Seconds, minutes, hours or days, with their unit."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", str(value), re.ASCII)
        if not found or not 0 < (seconds := float(found[1]) * _LONG_UNITS[found[2]]) <= _MAX_SECONDS:
            self.fail(f"expected a time such as 30s, 10m or 2h, of at most 30 days, got {value!r}", param, ctx)
        return seconds
