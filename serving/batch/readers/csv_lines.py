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
        self._line = 0
        self._peeked = ""

    def __iter__(self) -> "CsvLines":
        return self

    def peek(self) -> str:
        """Return the first line, before it is read."""
        self._peeked = self._readline(self._most)
        return self._peeked

    def unclosed(self) -> str:
        """Say where the row of the moment begins, of which the end can't be told."""
        begins = self._line - self.of_row + 1
        return f"row {self.rows}, which begins in line {begins}: a quote is not closed, or not where the cell ends"

    def __next__(self) -> str:
        line, self._peeked = self._peeked or self._readline(self._most), ""
        if not line:
            if self.of_row:  # the reader asks for more of a row that has begun
                raise ValueError(self.unclosed())
            raise StopIteration
        self._line += 1
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
