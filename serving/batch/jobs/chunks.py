"""A chunk of records -> a piece of the output. This runs in the threads or processes."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Protocol, TypeVar

from serving.batch.errors import RESUMES, BadInput, Changed, Unfinished, VersionGone
from serving.batch.jobs.row_counts import Statistics
from serving.batch.readers.records import Reader
from serving.batch.reasons import COLUMN, Reason, reasons_of
from serving.batch.rows import Rows
from serving.batch.writers.writer import Writer
from serving.catalog import Catalog, LiveModel, ModelServer
from serving.contract.answers import Outputs
from serving.errors import (
    InvalidExplanation,
    ModelNotReady,
    ModelServerError,
    ModelServerOverloaded,
    ModelServerTimeout,
    ModelServerUnavailable,
    NotFinite,
    PredictionError,
    UnknownVersion,
)
from serving.explanation import Question, explain
from serving.prediction.predictor import Prediction, Predictor

_TEMPORARY = (ModelNotReady, ModelServerOverloaded, ModelServerTimeout, ModelServerUnavailable, UnknownVersion)
"""Errors that may be gone at the next try."""

_T = TypeVar("_T")

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class Chunk:
    """Records of one part; *first* is the number of the first in its file, *position* the place in the source."""

    name: str
    first: int
    records: Sequence[Any]
    reader: Reader
    position: int


@dataclass(frozen=True)
class Scored:
    """The result of a chunk; *call_seconds* is how long the call to the model server took."""

    piece: Any
    statistics: Statistics
    rejects: list[dict[str, Any]]
    call_seconds: float
    position: int


class Stopping(Protocol):
    """A `threading.Event`, or one that processes share."""

    def is_set(self) -> bool:
        """Return whether the run is to end."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait until the run is to end; return False after *timeout* seconds."""
        ...


@dataclass(frozen=True)
class Pinned:
    """The version that answers all rows, and the SHA-256 of its contract.

    A call may take *deadline_seconds*; it is retried for *patience_seconds* while the model server is unavailable.
    The reasons of a row may cost *explain_budget* answers more; 0 is for rows without reasons.
    """

    model: str
    version: int
    contract: str
    deadline_seconds: float
    patience_seconds: float
    explain_budget: int = 0


def contract_hash(document: bytes) -> str:
    """Return the SHA-256 of a contract's JSON."""
    return hashlib.sha256(document).hexdigest()


class Scorer:
    """Scores chunks with *server*; safe to share between threads."""

    def __init__(self, server: ModelServer, pinned: Pinned, writer: Writer, stopping: Stopping) -> None:
        self._catalog = Catalog(server, [pinned.model])
        self._predictor = Predictor(self._catalog, server)
        self._pinned = pinned
        self._writer = writer
        self._stopping = stopping
        self._document = b""

    def score(self, chunk: Chunk) -> Scored:
        """Score a chunk; raises BatchError."""
        rows = chunk.reader.read(chunk.records, chunk.first)
        prediction = self.predict(rows.instances)
        right = [index not in prediction.rejected for index in range(len(rows.ids))]
        ids, kept = list(compress(rows.ids, right)), list(compress(rows.kept, right))
        answers = self.flat(prediction, list(compress(rows.instances, right)))
        piece = self._writer.encode(ids, kept, answers)
        rejects = _rejects(chunk.name, rows, prediction)
        statistics = Statistics()
        statistics.count(prediction, len(rejects))
        return Scored(piece, statistics, rejects, prediction.stage_seconds["predict"], chunk.position)

    def flat(self, prediction: Prediction, instances: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the answers to *instances* as columns of the output, with reasons if wanted; raises BatchError."""
        answers = [prediction.heads.flat(answer) for answer in prediction.answers]
        if not self._pinned.explain_budget:
            return answers
        return [
            {**answer, COLUMN: self._reasons(instance)} for answer, instance in zip(answers, instances, strict=True)
        ]

    def predict(self, instances: Sequence[Any]) -> Prediction:
        """Answer with the pinned version, retrying temporary errors; raises BatchError."""
        return self._retried(lambda live: self._predictor.predict_each(live, instances, self._pinned.deadline_seconds))

    def _reasons(self, instance: Any) -> list[Reason] | None:
        """Return the strongest reasons; None if the model computes no finite number once something is left out."""

        def score(instances: Sequence[Any]) -> Outputs:
            return self._retried(lambda live: self._predictor.outputs(live, instances, self._pinned.deadline_seconds))

        question = Question(budget=self._pinned.explain_budget)
        try:
            return reasons_of(explain(self._retried(lambda live: live.contract), instance, score, question))
        except NotFinite:
            return None
        except InvalidExplanation as error:
            raise BadInput(f"--explain: {error}") from error

    def _retried(self, call: Callable[[LiveModel], _T]) -> _T:
        begun, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while True:
            try:
                return call(self._live())
            except _TEMPORARY as error:
                if time.monotonic() + pause - begun > self._pinned.patience_seconds:
                    raise self._given_up(error) from error
                if self._stopping.wait(pause):
                    raise Unfinished(f"stopped while the model server was unavailable: {error}") from error
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)
                self._catalog.refresh(self._pinned.model)
            except NotFinite:
                raise
            except ModelServerError as error:
                raise Unfinished(f"{error}; {RESUMES}") from error
            except PredictionError as error:
                raise BadInput(str(error)) from error

    def _live(self) -> LiveModel:
        pinned = self._pinned
        live = self._catalog.live(pinned.model, pinned.version)
        if live.document is not self._document:
            if contract_hash(live.document) != pinned.contract:
                raise Changed(pinned.model, f"version {pinned.version} carries another contract now")
            self._document = live.document
        return live

    def _given_up(self, error: PredictionError) -> Exception:
        pinned = self._pinned
        if isinstance(error, UnknownVersion):
            return VersionGone(pinned.model, pinned.version)
        return Unfinished(f"{error}, for {pinned.patience_seconds:g} s; {RESUMES}")


def _rejects(name: str, rows: Rows, prediction: Prediction) -> list[dict[str, Any]]:
    """Return the rejected rows in their order."""
    rejects = [{"file": name, "row": number, "reason": reason} for number, reason in rows.rejects]
    for index, faults in prediction.rejected.items():
        reason = "; ".join(map(str, faults))
        rejects.append({"file": name, "row": rows.numbers[index], "row_id": rows.ids[index], "reason": reason})
    return sorted(rejects, key=lambda reject: int(str(reject["row"])))
