"""A run as its `metrics.json` tells of it."""

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from training.runs.checking import LISTS, OBJECTS, check
from training.runs.errors import UnreadableRun

FILE = "metrics.json"
NAME = re.compile(r"\d{8}T\d{6}Z")
"""A run is named by the time at which it ended."""
_MOST_BYTES = 64 << 20
_SCHEMA = 1
_REFUSED = ": not published: "


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run in its *folder*.

    *value* is the metric on the test rows, None where it is undefined; *mean* and *spread* are over so many *folds*.
    *ended* is a time in ISO 8601, as well as it is known. *outcome* tells what became of it in a word or two, *why* the
    reason of a refusal. *document* is all of metrics.json.
    """

    folder: Path
    model: str
    problem: str
    metric: str
    higher_is_better: bool
    unit: str
    value: float | None
    rows: int
    mean: float | None
    spread: float | None
    folds: int
    recipe: str
    seed: int
    data: str
    data_sha256: str
    ended: str
    version: int | None
    outcome: str
    why: str
    seconds: float
    document: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the run: its time."""
        return self.folder.name

    @property
    def without_rows(self) -> str:
        """Why it has kept no rows, if it has not."""
        older = "code" not in self.document
        return f"kept no rows: {'an older version of Plumbline trained it' if older else 'its job did not finish them'}"

    @cached_property
    def heads(self) -> Mapping[str, Mapping[str, Any]]:
        """What metrics.json has of each head, by the name that `rows.parquet` has for it; the main one comes first."""
        others = self.document["heads"]
        return {"": self.document, **others}


def read_run(folder: Path) -> Run:
    """Return the run in *folder*. Raises UnreadableRun."""
    path = folder / FILE
    try:
        if not stat.S_ISREG((found := path.stat()).st_mode):  # a pipe would be waited for
            raise UnreadableRun(path, "expected a file")
        if found.st_size > _MOST_BYTES:
            raise UnreadableRun(path, f"it has more than {_MOST_BYTES:,} bytes")
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UnreadableRun(path, "not there: its job still writes, or was ended while it did") from error
    except OSError as error:
        raise UnreadableRun(path, str(error.strerror)) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableRun(path, f"expected JSON: {error}") from error
    try:
        return _run(folder, document)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UnreadableRun(path, f"expected the numbers of a run: {said}") from error


def _run(folder: Path, document: Any) -> Run:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"schema {document['schema']}, this version reads {_SCHEMA}")
    document = {**{name: [] for name in LISTS}, **{name: {} for name in OBJECTS}, **document}  # older runs lack some
    check(document)
    validation, recipe, data = document["validation"], document["recipe"], document["data"]
    outcome, gate = document.get("outcome") or {}, str(document["gate"])
    version = outcome.get("version")
    refused = version is None if outcome else _REFUSED in gate
    return Run(
        folder=folder,
        model=str(document["model"]),
        problem=str(document["problem"]),
        metric=str(document["metric"]),
        higher_is_better=bool(document["higher_is_better"]),
        unit=str(document["unit"]),
        value=_number(document["test"][document["metric"]]),
        rows=int(document["test"]["rows"]),
        mean=_number(validation["mean"]),
        spread=_number(validation["spread"]),
        folds=len(validation["folds"]),
        recipe=str(recipe["name"]),
        seed=int(recipe["seed"]),
        data=str(data["name"]),
        data_sha256=str(data["sha256"]),
        ended=str(outcome.get("ended") or _time(folder.name)),
        version=None if version is None else int(version),
        outcome="refused" if refused else f"version {version}" if version is not None else "published",
        why=_reason(gate) if refused else "",
        seconds=float(sum(document["seconds"].values())),
        document=document,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _reason(gate: str) -> str:
    """Return why the gate refused, without what it advises."""
    reason = gate.partition(_REFUSED)[2]
    return (reason.rpartition("; ")[0] or reason) if reason else gate


def _time(name: str) -> str:
    if not NAME.fullmatch(name):
        return name
    return f"{name[:4]}-{name[4:6]}-{name[6:11]}:{name[11:13]}:{name[13:15]}+00:00"
