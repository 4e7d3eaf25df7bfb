"""What is wrong with values that a caller sent, gathered so that all of it can be reported together."""

from dataclasses import dataclass

from serving.errors import shown

__all__ = ["MOST_FAULTS", "Fault", "Faults", "Path", "shown"]

MOST_FAULTS = 20
"""The number of faults that are kept; all are counted."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the *row*, the *path* to it within the value, what was expected, and what came."""

    row: int
    path: Path
    expected: str
    got: str

    def __str__(self) -> str:
        place = "/".join(map(str, self.path))
        return (
            f"{place}: expected {self.expected}, got {self.got}"
            if place
            else f"expected {self.expected}, got {self.got}"
        )


class Faults:
    """Collects the faults of many values: the first MOST_FAULTS of them, the rows that have any, and their number."""

    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.rows: set[int] = set()
        self.count = 0

    def add(self, row: int, expected: str, got: str, *path: str | int) -> None:
        """Note a fault; *got* is in words, such as `shown(value)`."""
        self.count += 1
        self.rows.add(row)
        if len(self.first) < MOST_FAULTS:
            self.first.append(Fault(row, path, expected, got))
