"""The lines of CSV, of which none is too long to be held."""

from typing import TextIO


class LineTooLong(Exception):
    """A line was left out, and the row that it is."""


class CsvLines:
    """Iterates over the lines of *text*, of at most *most* characters each.

    A line that is longer raises LineTooLong if it is a row of its own, else ValueError: where the row ends that it is a
    part of can't be told without holding it. `csv.reader` goes on behind it. Whoever reads rows sets *of_row* to 0
    before each, and counts *rows*.
    """

    def __init__(self, text: TextIO, most: int) -> None:
        self._readline = text.readline
        self._most = most
        self.of_row = self.rows = 0

    def __iter__(self) -> "CsvLines":
        return self

    def __next__(self) -> str:
        line = self._readline(self._most)
        if not line:
            raise StopIteration
        if len(line) == self._most and line[-1] != "\n":
            self._leave_out(line)
        self.of_row += 1
        return line

    def _leave_out(self, line: str) -> None:
        quotes = line.count('"')
        while line and line[-1] != "\n":
            line = self._readline(self._most)
            quotes += line.count('"')
        if self.of_row or quotes % 2:
            raise ValueError(f"row {self.rows}: a line of more than {self._most:,} characters in a quoted field")
        raise LineTooLong(f"expected a row of at most {self._most:,} characters")
