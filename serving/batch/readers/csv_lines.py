"""The lines of CSV files, of bounded length."""

from typing import TextIO


class LineTooLong(Exception):
    """A line, which is a whole row, was skipped for its length."""


class CsvLines:
    """Iterates over the lines of *text*, of at most *max_length* characters each.

    A longer line raises LineTooLong if it is a whole row, and `csv.reader` continues after it. If it is a part of a row
    it raises ValueError, since the end of that row can't be found without holding the line. The caller sets *of_row*
    to 0 before each row, and counts *rows*.
    """

    def __init__(self, text: TextIO, max_length: int) -> None:
        self._readline = text.readline
        self._max_length = max_length
        self.of_row = self.rows = 0
        self._line = 0
        self._peeked = ""

    def __iter__(self) -> "CsvLines":
        return self

    def peek(self) -> str:
        """Return the first line without consuming it."""
        self._peeked = self._readline(self._max_length)
        return self._peeked

    def unclosed(self) -> str:
        """Return where the current row begins, whose end can't be found."""
        begins = self._line - self.of_row + 1
        return f"row {self.rows}, which begins in line {begins}: a quote is not closed, or not where the cell ends"

    def __next__(self) -> str:
        line, self._peeked = self._peeked or self._readline(self._max_length), ""
        if not line:
            if self.of_row:  # the reader is in the middle of a row
                raise ValueError(self.unclosed())
            raise StopIteration
        self._line += 1
        if len(line) == self._max_length and line[-1] != "\n":
            self._leave_out(line)
        self.of_row += 1
        return line

    def _leave_out(self, line: str) -> None:
        quotes = line.count('"')
        while line and line[-1] != "\n":
            line = self._readline(self._max_length)
            quotes += line.count('"')
        if self.of_row or quotes % 2:
            raise ValueError(f"row {self.rows}: a line of more than {self._max_length:,} characters in a quoted field")
        raise LineTooLong(f"expected a row of at most {self._max_length:,} characters")
