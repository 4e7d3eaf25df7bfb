"""How many rows may be rejected before a run counts as failed."""

from dataclasses import dataclass

from serving.batch.errors import BadInput, TooManyRejects


@dataclass
class RejectLimit:
    """At most *most* rows, or *percent* of all; None is no limit. What is a number of rows ends a run at once."""

    most: int | None = None
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
                return cls(most=int(text))
        except ValueError:
            pass
        raise BadInput(f"--max-rejects {text}: expected a number of rows such as 100, or a share such as 1%")

    def add(self, count: int, last: str) -> None:
        """Count rejected rows, of which *last* tells the last; raises TooManyRejects if these are too many already."""
        self.count += count
        if self.most is not None and self.count > self.most:
            raise TooManyRejects(
                f"{self.count:,} rows were rejected, and at most {self.most:,} may be; the last: {last}"
            )

    def check(self, rows: int, rejected: int) -> None:
        """Raise TooManyRejects if of *rows* with an answer and *rejected* without too many were rejected."""
        allowed = self.most
        if self.percent is not None:
            allowed = int((rows + rejected) * self.percent / 100)
        if allowed is not None and rejected > allowed:
            raise TooManyRejects(
                f"{rejected:,} of {rows + rejected:,} rows were rejected, and at most {allowed:,} may be"
            )
