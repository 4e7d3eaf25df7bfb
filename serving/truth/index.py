"""The join of captured answers with their truths, by request id and index.

Either may come first, and again. It is kept in a temporary database of SQLite's, of which a fixed part is in memory and
the rest on the disk, so that a window may hold more answers than there is memory for. Each is read once: what follows
from it is computed when both sides are there, so that a later report costs little Python.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import orjson

from serving.captures import Capture, ShadowAnswer
from serving.statistics.intervals import Sums
from serving.truth.comparing import MICRO_F1, NoComparison, compare, needed
from serving.truth.errors import TooManyAnswers
from serving.truth.feedback import Feedback
from serving.truth.report import Measure, PairedMeasure, Report, VersionTruth

MOST_BYTES = 8_000_000_000
"""Enough for some 40 million answers, with their truths."""

_CACHE_KIB = 64 * 1024
_PAGE_BYTES = 4096
_CHUNK = 10_000

_TABLES = """
CREATE TABLE answers (
  request_id TEXT, place INTEGER, time REAL, version INTEGER, weight REAL, answer BLOB,
  PRIMARY KEY (request_id, place)
) WITHOUT ROWID;
CREATE TABLE truths (
  request_id TEXT, place INTEGER, time REAL, truth BLOB, duplicates INTEGER DEFAULT 0, corrections INTEGER DEFAULT 0,
  pending INTEGER DEFAULT 1, PRIMARY KEY (request_id, place)
) WITHOUT ROWID;
CREATE TABLE shadows (
  request_id TEXT, place INTEGER, version INTEGER, time REAL, answer BLOB, PRIMARY KEY (request_id, place, version)
) WITHOUT ROWID;
CREATE TABLE outcomes (
  request_id TEXT, place INTEGER, head TEXT, measure TEXT, value REAL, per REAL,
  PRIMARY KEY (request_id, place, head, measure)
) WITHOUT ROWID;
CREATE TABLE shadow_outcomes (
  request_id TEXT, place INTEGER, shadow INTEGER, head TEXT, measure TEXT, shadow_value REAL,
  PRIMARY KEY (request_id, place, shadow, head, measure)
) WITHOUT ROWID;
CREATE TABLE incomparable (request_id TEXT, place INTEGER, PRIMARY KEY (request_id, place)) WITHOUT ROWID;
CREATE TRIGGER answered_again AFTER UPDATE ON answers BEGIN
  UPDATE truths SET pending = 1 WHERE request_id = new.request_id AND place = new.place;
END;
CREATE TRIGGER shadowed AFTER INSERT ON shadows BEGIN
  UPDATE truths SET pending = 1 WHERE request_id = new.request_id AND place = new.place;
END;
"""

# Of two that differ the later one counts; of two of one moment always the same, in whatever order they come.
_ANSWER = """
INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  time = excluded.time, version = excluded.version, weight = excluded.weight, answer = excluded.answer
  WHERE (excluded.time, excluded.answer) > (time, answer)
"""
_SHADOW = "INSERT INTO shadows VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TRUTH = """
INSERT INTO truths (request_id, place, time, truth) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  duplicates = duplicates + (excluded.truth = truth),
  corrections = corrections + (excluded.truth <> truth),
  pending = pending OR excluded.truth <> truth,
  truth = CASE WHEN (excluded.time, excluded.truth) > (time, truth) THEN excluded.truth ELSE truth END,
  time = CASE WHEN excluded.truth = truth THEN min(time, excluded.time) ELSE max(time, excluded.time) END
"""

_PAIRS = """
SELECT request_id, place, answer, truth FROM truths JOIN answers USING (request_id, place) WHERE pending
"""
_SHADOW_PAIRS = """
SELECT request_id, place, shadows.version, shadows.answer, truth FROM truths JOIN shadows USING (request_id, place)
JOIN answers USING (request_id, place) WHERE pending
"""
_COMPARED = """
UPDATE truths SET pending = 0 WHERE pending AND (request_id, place) IN (SELECT request_id, place FROM answers)
"""
_STALE = (
    "DELETE FROM outcomes WHERE request_id = ? AND place = ?",
    "DELETE FROM shadow_outcomes WHERE request_id = ? AND place = ?",
    "DELETE FROM incomparable WHERE request_id = ? AND place = ?",
)
_OLD = (
    "DELETE FROM answers WHERE time < :before",
    "DELETE FROM shadows WHERE time < :before",  # maybe before its capture, which is in another file, can be read
    """DELETE FROM truths WHERE time < :before
       AND (request_id, place) NOT IN (SELECT request_id, place FROM answers)""",
    "DELETE FROM outcomes WHERE (request_id, place) NOT IN (SELECT request_id, place FROM answers)",
    "DELETE FROM shadow_outcomes WHERE (request_id, place) NOT IN (SELECT request_id, place FROM answers)",
    "DELETE FROM incomparable WHERE (request_id, place) NOT IN (SELECT request_id, place FROM answers)",
)
_VERSIONS = """
SELECT version, count(*), count(truths.time), total(iif(truths.time IS NULL, 0, weight)) / total(weight),
  max(truths.time)
FROM answers LEFT JOIN truths USING (request_id, place) GROUP BY version ORDER BY version
"""
_MEASURES = """
SELECT version, head, measure, count(*), total(weight * per), total(weight * value),
  total(weight * weight * value * value), total(weight * weight * value * per), total(weight * weight * per * per),
  total(value), total(value * value)
FROM outcomes JOIN answers USING (request_id, place) GROUP BY version, head, measure ORDER BY version, head, measure
"""
_PAIRED = """
SELECT version, shadow, head, measure, count(*), total(weight), total(weight * (shadow_value < value)),
  total(weight * (shadow_value > value)), total(weight * value), total(weight * (shadow_value - value)),
  total(weight * (shadow_value - value) * (shadow_value - value))
FROM shadow_outcomes JOIN outcomes USING (request_id, place, head, measure) JOIN answers USING (request_id, place)
WHERE measure <> :but GROUP BY version, shadow, head, measure ORDER BY version, shadow, head, measure
"""
_DELAY = """
SELECT max(0, truths.time - answers.time) AS delay FROM answers JOIN truths USING (request_id, place)
WHERE version = ? ORDER BY delay LIMIT 1 OFFSET ?
"""
_COUNTS = """
SELECT total(duplicates), total(corrections),
  (SELECT count(*) FROM truths WHERE (request_id, place) NOT IN (SELECT request_id, place FROM answers)),
  (SELECT count(*) FROM incomparable)
FROM truths
"""


class TruthIndex:
    """Joins what it is given. For one thread. Its methods raise TooManyAnswers beyond *most_bytes* on the disk."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file that goes with the connection
        self._database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        self._database.execute(f"PRAGMA max_page_count = {max(1, most_bytes // _PAGE_BYTES)}")
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")
        with self._bounded():
            self._database.executescript(_TABLES)

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def add_captures(self, captures: Iterable[Capture]) -> None:
        """Take the captures of answered requests, and leave out those of failed ones.

        Of two with the same id and index the later one counts.
        """
        rows = (
            (it.request_id, it.index, it.time.timestamp(), it.version, 1 / it.share, orjson.dumps(needed(it.answer)))
            for it in captures
            if it.error is None and it.version is not None
        )
        self._add(_ANSWER, rows)

    def add_feedback(self, truths: Iterable[Feedback]) -> None:
        """Take truths; of two with the same id and index the later one counts."""
        self._add(_TRUTH, ((it.request_id, it.index, it.time.timestamp(), _canonical(it.truth)) for it in truths))

    def add_shadows(self, answers: Iterable[ShadowAnswer]) -> None:
        """Take what shadows answered to captured requests too."""
        rows = (
            (it.request_id, it.index, it.version, it.time.timestamp(), orjson.dumps(needed(it.answer)))
            for it in answers
        )
        self._add(_SHADOW, rows)

    def forget(self, before: float) -> None:
        """Forget answers from *before* then (Unix seconds), and truths of then that have no answer."""
        with self._bounded():
            for statement in _OLD:
                self._database.execute(statement, {"before": before})

    def report(self, since: float, until: float) -> Report:
        """Report on all that was added, of a window from *since* to *until*: forget what is older first."""
        with self._bounded():
            self._compare()
            measures = self._measures()
            versions = tuple(
                VersionTruth(
                    version,
                    answers,
                    known,
                    coverage,
                    self._delay(version, known),
                    last,
                    tuple(measures.get(version, ())),
                )
                for version, answers, known, coverage, last in self._database.execute(_VERSIONS).fetchall()
            )
            paired = tuple(PairedMeasure.of(*row) for row in self._database.execute(_PAIRED, {"but": MICRO_F1}))
            duplicates, corrections, unknown, incomparable = self._database.execute(_COUNTS).fetchone()
        return Report(since, until, versions, unknown, int(duplicates), int(corrections), incomparable, paired)

    def _add(self, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        with self._bounded():
            while chunk := list(islice(rows, _CHUNK)):
                self._database.execute("BEGIN")
                self._database.executemany(statement, chunk)
                self._database.execute("COMMIT")

    def _compare(self) -> None:
        """Compute what follows from the pairs of which a side is new."""
        reading = self._database.execute(_PAIRS)
        self._database.execute("BEGIN")
        while pairs := reading.fetchmany(_CHUNK):
            for statement in _STALE:
                self._database.executemany(statement, [pair[:2] for pair in pairs])
            outcomes, incomparable = _compared(pairs)
            self._database.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?)", outcomes)
            self._database.executemany("INSERT INTO incomparable VALUES (?, ?)", incomparable)
        shadows = self._database.execute(_SHADOW_PAIRS)
        while rows := shadows.fetchmany(_CHUNK):
            self._database.executemany("INSERT INTO shadow_outcomes VALUES (?, ?, ?, ?, ?, ?)", _compared_shadows(rows))
        self._database.execute(_COMPARED)
        self._database.execute("COMMIT")

    def _measures(self) -> dict[int, list[Measure]]:
        found: dict[int, list[Measure]] = {}
        for version, head, name, *sums, total, squares in self._database.execute(_MEASURES):
            found.setdefault(version, []).append(Measure.of(head, name, Sums(*sums), total, squares))
        return found

    def _delay(self, version: int, known: int) -> tuple[float, float] | None:
        """Return the median and the 90 % quantile of the delays, of the nearest rank."""
        if not known:
            return None
        ranks = ((known + 1) // 2, -(-9 * known // 10))
        median, most = (self._database.execute(_DELAY, (version, rank - 1)).fetchone()[0] for rank in ranks)
        return median, most

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise TooManyAnswers(self._most_bytes) from error
            raise


def _compared(pairs: Iterable[tuple[str, int, bytes, bytes]]) -> tuple[list[tuple[Any, ...]], list[tuple[str, int]]]:
    """Return the rows of outcomes of *pairs*, and the keys of those that can't be compared."""
    outcomes, incomparable = [], []
    for request_id, place, answer, truth in pairs:
        try:
            found = compare(orjson.loads(answer), orjson.loads(truth))
        except NoComparison:
            incomparable.append((request_id, place))
            continue
        outcomes += [(request_id, place, it.head, it.measure, it.value, it.per) for it in found]
    return outcomes, incomparable


def _compared_shadows(rows: Iterable[tuple[str, int, int, bytes, bytes]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of outcomes of shadows' answers: one of another kind than the truth has none."""
    for request_id, place, shadow, answer, truth in rows:
        with suppress(NoComparison):
            for it in compare(orjson.loads(answer), orjson.loads(truth)):
                yield request_id, place, shadow, it.head, it.measure, it.value


def _canonical(truth: Any) -> bytes:
    """Return the text of a truth that is the same for all that mean the same: tags have no order."""
    return orjson.dumps(_ordered(truth), option=orjson.OPT_SORT_KEYS)


def _ordered(truth: Any) -> Any:
    if isinstance(truth, Mapping):
        return {name: _ordered(part) for name, part in truth.items()}
    if isinstance(truth, list):
        return sorted(truth)
    return float(truth) if isinstance(truth, int) and not isinstance(truth, bool) else truth
