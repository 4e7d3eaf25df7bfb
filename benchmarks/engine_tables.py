"""Makes the tables of docs/performance.md about engines."""

import statistics
from collections.abc import Iterable
from typing import Any

from benchmarks.engines.runtimes import RUNTIMES
from benchmarks.engines.subjects import BATCHES, LARGE_BATCH, PAIRED
from benchmarks.results import Record, of_kind
from benchmarks.tables import markdown, number

_REFERENCE = next(iter(RUNTIMES))
_SIZES = " / ".join(map(str, BATCHES))
_HEAD = [
    *("engine", "version", "MB installed", "converts", f"CPU by TensorFlow's at {_SIZES} rows", f"at {LARGE_BATCH}"),
    *("peak memory by TensorFlow's", "start by TensorFlow's", "largest difference of a score"),
]
_MODELS_HEAD = [
    *("model", "engine", f"CPU ms at {_SIZES} rows", f"at {LARGE_BATCH}", f"two threads: time at {_SIZES}"),
    *(f"their CPU at {BATCHES[-1]}", f"two callers: answers at {' / '.join(map(str, PAIRED))}"),
    *("peak MB", "of it anonymous", "start s", "largest difference"),
]


def engines(records: list[Record]) -> str:
    """Return a row for each engine. Its ratios to TensorFlow are geometric means of all models that it computes."""
    rows = [_HEAD]
    for each in of_kind(records, "engine"):
        name = each["engine"]
        tried = list(_of(records, "converted", engine=name))
        done = sum(not one["error"] for one in tried)
        row = [name, each["version"], f"{each['mb']:,.0f}", f"{done} of {len(tried)}"]
        row.append(" / ".join(_by_reference(records, "engine_time", "cpu_ms", name, rows=rows) for rows in BATCHES))
        row.append(_by_reference(records, "engine_time", "cpu_ms", name, rows=LARGE_BATCH))
        row += [_by_reference(records, "engine_process", what, name) for what in ("peak_mb", "start_seconds")]
        rows.append([*row, _difference(records, engine=name)])
    return markdown(rows)


def engine_models(records: list[Record]) -> str:
    """Return a row for each model and engine: medians of the rounds."""
    rows = [_MODELS_HEAD]
    for tried in of_kind(records, "converted"):
        key = {name: tried[name] for name in ("label", "model", "engine")}
        way = f" ({tried['way']})" if tried["way"] else ""
        row = [f"{tried['model']}, {tried['label']}", tried["engine"] + way]
        if tried["error"]:
            rows.append([*row, f"not converted: {tried['error']}", *[""] * (len(_MODELS_HEAD) - 3)])
            continue
        row.append(_cells(_median(records, "engine_time", "cpu_ms", **key, threads=1, rows=size) for size in BATCHES))
        row.append(_cells([_median(records, "engine_time", "cpu_ms", **key, threads=1, rows=LARGE_BATCH)]))
        row.append(_cells(_two_by_one(records, "ms", size, key) for size in BATCHES))
        row.append(_cells([_two_by_one(records, "cpu_ms", BATCHES[-1], key)]))
        row.append(_cells(_median(records, "engine_pair", "answers", **key, rows=size) for size in PAIRED))
        process = ("peak_mb", "anonymous_mb", "start_seconds")
        row += [_cells([_median(records, "engine_process", what, **key, threads=1)]) for what in process]
        rows.append([*row, _difference(records, **key)])
    return markdown(rows)


def _two_by_one(records: list[Record], what: str, rows: int, key: dict[str, str]) -> float | None:
    """Return the median of the rounds' ratios of a call that may use two threads to one that may use one."""
    one, two = (
        [each[what] for each in _of(records, "engine_time", **key, threads=threads, rows=rows)] for threads in (1, 2)
    )
    ratios = [more / less for more, less in zip(two, one, strict=False)]
    return statistics.median(ratios) if ratios else None


def _by_reference(records: list[Record], kind: str, what: str, engine: str, **key: Any) -> str:
    ratios = []
    for model in dict.fromkeys((each["label"], each["model"]) for each in of_kind(records, kind)):
        facts = {"label": model[0], "model": model[1], "threads": 1, **key}
        own, other = ({each["round"]: each[what] for each in _of(records, kind, engine=name, **facts)}
                      for name in (engine, _REFERENCE))  # fmt: skip
        if rounds := own.keys() & other.keys():
            ratios.append(statistics.median(own[number] / other[number] for number in rounds))
    return f"{statistics.geometric_mean(ratios):.2f}" if ratios else ""


def _difference(records: list[Record], **key: str) -> str:
    found = [each["largest_difference"] for each in _of(records, "engine_scores", **key)]
    return f"{max(found):.1g}" if found else ""


def _median(records: list[Record], kind: str, what: str, **key: Any) -> float | None:
    found = [each[what] for each in _of(records, kind, **key)]
    return statistics.median(found) if found else None


def _of(records: list[Record], kind: str, **key: Any) -> Iterable[Record]:
    return (each for each in of_kind(records, kind) if key.items() <= each.items())


def _cells(values: Iterable[float | None]) -> str:
    found = [value for value in values if value is not None]
    return " / ".join(number(value) if value >= 1 else f"{value:.2g}" for value in found)
