"""Which of a model's versions the process loads: the newest, and as many older ones as it takes to answer on.

A version whose contract can't be read, that can't be loaded, or that the catalog has refused never takes the place of
one that answers.
"""

import os
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path

from serving.catalog import Contracts
from serving.errors import ContractError
from serving.process.turns import Turns
from serving.registry.versions import CONTRACT, SERVED, read_contract, scan
from serving.runtime.engine import Engine
from serving.runtime.errors import ServingError


class KeptVersions:
    """Chooses among the versions in *folder*, and loads them by *load*.

    Chosen are the newest, the newest of those that may be good, the newest that was admitted, and those *named*.
    """

    def __init__(
        self,
        folder: Path,
        contracts: Contracts,
        reading: Turns,
        load: Callable[[Path], Engine],
        named: Callable[[], Collection[int]] = tuple,
    ) -> None:
        self._named = named
        self._folder = folder
        self._reading = reading
        self._contracts = contracts
        self._load = load
        self._readable: dict[int, tuple[tuple[int, int], bool]] = {}
        self._failed: frozenset[int] = frozenset()
        self._admitted: frozenset[int] = frozenset()
        self._refused: frozenset[int] = frozenset()

    def judged(self, admitted: Collection[int], refused: Collection[int]) -> bool:
        """Note which versions were admitted and which refused; return whether that is new."""
        before = self._admitted, self._refused
        self._admitted, self._refused = frozenset(admitted), frozenset(refused)
        return before != (self._admitted, self._refused)

    def choose(self, found: Collection[int]) -> frozenset[int]:
        """Choose from the numbers *found*."""
        newest = sorted(found, reverse=True)
        good = (number for number in newest if self._may_be_good(number))
        last_admitted = (number for number in newest if number in self._admitted)
        named = self._named()
        by_name = (number for number in newest if number in named)
        return frozenset([*newest[:SERVED], *islice(good, SERVED), *islice(last_admitted, 1), *by_name])

    def load(self, version: Path) -> Engine:
        """Load the version in a folder. Raise ServingError."""
        number = int(version.name)
        try:
            engine = self._load(version)
        except ServingError:
            self._failed |= {number}
            raise
        self._failed -= {number}
        return engine

    def _may_be_good(self, number: int) -> bool:
        return number not in self._refused | self._failed and self._is_readable(number)

    def _is_readable(self, number: int) -> bool:
        try:
            path = scan(self._folder)[number]
            stat = os.stat(path / CONTRACT)
        except (OSError, KeyError):
            return False
        stamp = stat.st_mtime_ns, stat.st_size
        if number not in self._readable or self._readable[number][0] != stamp:
            self._readable[number] = stamp, self._reads(path)
        return self._readable[number][1]

    def _reads(self, path: Path) -> bool:
        try:
            with self._reading.one():
                self._contracts.read(read_contract(path))
        except (OSError, ContractError):
            return False
        return True
