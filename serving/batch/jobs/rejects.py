"""The maximum number of rejected rows."""

from dataclasses import dataclass

from serving.batch.errors import BadInput, TooManyRejects


@dataclass
class RejectLimit:
    """At most *max_rows*, or *percent* of all rows; None is no limit. Exceeding *max_rows* ends a run at once."""

    max_rows: int | None = None
    percent: float | None = None
    count: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "RejectLimit":
        """Read `100` or `1%`; raises BadInput."""
        if text is None:
            return cls()
        try:
            if text.endswith("%"):
                percent = float(text[:-1])
                if 0 <= percent <= 100:
                    return cls(percent=percent)
            elif text.isascii() and text.isdecimal():
                return cls(max_rows=int(text))
        except ValueError:
            pass
        raise BadInput(f"--max-rejects {text}: expected a number of rows such as 100, or a share such as 1%")

    def add(self, count: int, last: str) -> None:
        """Add to the count of rejected rows, the last of which *last* describes; raises TooManyRejects."""
        self.count += count
        if self.max_rows is not None and self.count > self.max_rows:
            raise TooManyRejects(
                f"{self.count:,} rows were rejected, and at most {self.max_rows:,} may be; the last: {last}"
            )

    def check(self, rows: int, rejected: int) -> None:
        """Raise TooManyRejects if too many were *rejected*; *rows* were answered."""
        allowed = self.max_rows
        if self.percent is not None:
            allowed = int((rows + rejected) * self.percent / 100)
        if allowed is not None and rejected > allowed:
            raise TooManyRejects(
                f"{rejected:,} of {rows + rejected:,} rows were rejected, and at most {allowed:,} may be"
            )
