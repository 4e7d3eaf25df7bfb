"""Makes the tables of docs/performance.md from results."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.results import Record, of_kind

MODELS = {"sentiment": "text", "image": "image"}
OURS = ("Plumbline, TensorFlow Serving", "Plumbline")
OTHER_BUILD = "Plumbline at "
"""What the name of another checkout's server begins with."""
RECORD_WAYS = ("the contract", "pandas and scikit-learn")
_PROCESS = ("memory_mb", "anonymous_mb", "start_seconds")
GOALS = {  # ratios of requests/s, by model and callers: with TensorFlow Serving, with the local server
    ("sentiment", 1): (1.0, 0.8),
    ("sentiment", 8): (1.2, 1.0),
    ("sentiment", 32): (1.6, 1.0),
    ("image", 1): (1.1, 0.8),
    ("image", 8): (1.1, 1.0),
    ("image", 32): (1.1, 1.0),
}


def comparison(records: list[Record]) -> str:
    """Return a row for each server: medians of the rounds, with minimum and maximum if there are several."""
    callers = sorted({record["callers"] for record in of_kind(records, "closed")})
    max_callers = callers[-1]
    head = ["server"]
    for kind in MODELS.values():
        head += [f"{kind} req/s at {callers[0]}", *(f"at {count}" for count in callers[1:])]
        head += [f"p50 / p99 ms at {max_callers}", f"CPU ms at {max_callers}"]
    rows = [[*head, "PSS MB", "of it anonymous", "start s", "errors"]]
    for server in _servers(records):
        row = [f"**{server}**" if server in OURS else server]
        for model in MODELS:
            row += [_spread(_cell(records, server, model, count, "per_second")) for count in callers]
            latencies = [_cell(records, server, model, max_callers, name) for name in ("p50_ms", "p99_ms")]
            row.append(" / ".join(number(statistics.median(values)) for values in latencies if values))
            row.append(_spread(_cell(records, server, model, max_callers, "cpu_ms")))
        row += [_spread(_process(records, server, name)) for name in _PROCESS]
        rows.append([*row, str(sum(each["errors"] for each in _closed(records, server)))])
    return markdown(rows)


def ratios(records: list[Record]) -> str:
    """Return our figures as ratios to the best rival's, each the median of the rounds' ratios, and the goals."""
    ours = [server for server in OURS if server in _servers(records)]
    builds = [server for server in _servers(records) if server.startswith(OTHER_BUILD)]
    rows = [["", "best rival", *(f"{server} | goal" for server in ours), *(f"to {build}" for build in builds)]]
    for (model, callers), goals in GOALS.items():
        for name, better in (("per_second", max), ("p99_ms", min)):
            values = {server: _cell(records, server, model, callers, name) for server in _servers(records)}
            what = "req/s" if name == "per_second" else "p99"
            bound = dict(zip(OURS, [f">= {goal}" for goal in goals] if better is max else ["<= 1.0"] * 2, strict=True))
            cells = [*_against(values, ours, better, bound), *_since(values, builds)]
            rows.append([f"{MODELS[model]} {what} at {callers}", *cells])
    for name, what, goal in (
        ("memory_mb", "memory", ("<= 0.8", "<= 0.35")),
        ("anonymous_mb", "memory but pages of files", ("", "")),
        ("start_seconds", "time to the first answer", ("<= 1.0", "<= 1.0")),
    ):
        values = {server: _process(records, server, name) for server in _servers(records)}
        rows.append([what, *_against(values, ours, min, dict(zip(OURS, goal, strict=True))), *_since(values, builds)])
    return markdown(rows)


def failures(records: list[Record]) -> str:
    """List what failed or was not run."""
    found = [
        f"- {each['server']}, round {each['round'] + 1}: {each['error'].splitlines()[0]}"
        for each in of_kind(records, "failure")
    ]
    return "\n".join(found) or "Nothing failed."


def _against(values: dict[str, list[float]], ours: Sequence[str], better: Any, bound: dict[str, str]) -> list[str]:
    rivals = {server: each for server, each in values.items() if each and not server.startswith("Plumbline")}
    medians = {server: statistics.median(each) for server, each in rivals.items()}
    if not medians:
        return ["", *("|" for _ in ours)]
    best = better(medians, key=lambda server: medians[server])
    cells = []
    for server in ours:
        pairs = list(zip(values[server], values[best], strict=False))
        ratio = f"{statistics.median(own / theirs for own, theirs in pairs):.2f}" if pairs else ""
        cells.append(f"{ratio} | {bound[server]}")
    return [best, *cells]


def _since(values: dict[str, list[float]], builds: Sequence[str]) -> list[str]:
    """Return the figures in this process as ratios to those of other builds."""
    found = (list(zip(values.get(OURS[1], []), values[build], strict=False)) for build in builds)
    return [number(statistics.median(now / before for now, before in pairs)) if pairs else "" for pairs in found]


def _servers(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(record["server"] for record in records if record["kind"] in ("closed", "process")))


def _closed(records: list[Record], server: str) -> Iterable[Record]:
    return (record for record in of_kind(records, "closed") if record["server"] == server)


def _cell(records: list[Record], server: str, model: str, callers: int, name: str) -> list[float]:
    found = (record for record in _closed(records, server) if (record["model"], record["callers"]) == (model, callers))
    return [record[name] for record in sorted(found, key=lambda record: record["round"])]


def _process(records: list[Record], server: str, name: str) -> list[float]:
    return [record[name] for record in of_kind(records, "process") if record["server"] == server]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}-{number(max(values))})"


def number(value: float) -> str:
    """Return a figure with three digits or two decimals, whichever is less."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first row is the head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    columns = lines[0].count("|") - 1
    return "\n".join([lines[0], "|" + "---|" * columns, *lines[1:]])


def gateway(records: list[Record]) -> str:
    """Return the gateway's own figures and their goals."""
    measured = list(of_kind(records, "gateway"))
    starts = [each["ready_seconds"] for each in measured if each["ready_seconds"] is not None]
    workers = [memory for each in measured for memory in each["workers_mb"]]
    rows = [["", "median (least-most)", "goal"]]
    rows.append(["start to ready, s", _spread(starts), "<= 1.5"])
    rows.append(["memory of a worker, PSS MB", _spread(workers), "<= 70"])
    for each in of_kind(records, "overhead"):
        what = f"{MODELS[each['model']]}: p50 by the gateway - of the bare call of {each['server']}, ms"
        figures = f"{each['gateway_p50_ms']:.2f} - {each['call_p50_ms']:.2f} = {each['overhead_ms']:.2f}"
        rows.append([what, figures, "<= 1.0" if each["model"] == "sentiment" else ""])
    return markdown(rows)


def sweeps(records: list[Record]) -> str:
    """Return the points of each sweep: answers per second, p50, and memory and start time where measured."""
    rows = [
        ["sweep", "value", "text req/s", "text p50 ms", "image req/s", "image p50 ms", "errors", "PSS MB", "start s"]
    ]
    swept, memory = list(of_kind(records, "sweep")), list(of_kind(records, "memory"))
    for sweep, value in dict.fromkeys((each["sweep"], each["value"]) for each in swept):
        own = {each["model"]: each for each in swept if (each["sweep"], each["value"]) == (sweep, value)}
        process = next((each for each in memory if (each["sweep"], each["value"]) == (sweep, value)), {})
        row = [sweep, str(value)]
        for model in MODELS:
            row += [number(own[model][name]) if model in own else "" for name in ("per_second", "p50_ms")]
        row.append(str(sum(each["errors"] for each in own.values())))
        row += [number(process[name]) if name in process else "" for name in ("memory_mb", "start_seconds")]
        rows.append(row)
    return markdown(rows)


def training(records: list[Record]) -> str:
    """Return duration and peak memory of each model's training, by both ways, and the ratios."""
    trained = list(of_kind(records, "training"))
    rows = [["model", "plain Keras s", "plumbline s", "ratio", "plain Keras peak MB", "plumbline peak MB", "ratio"]]
    for model in dict.fromkeys(each["model"] for each in trained):
        row = [model]
        for name in ("seconds", "peak_mb"):
            plain, own = (
                [each[name] for each in trained if (each["model"], each["way"]) == (model, way)]
                for way in ("plain Keras", "plumbline")
            )
            pairs = [mine / theirs for mine, theirs in zip(own, plain, strict=False)]
            row += [_spread(plain), _spread(own), f"{statistics.median(pairs):.2f}" if pairs else ""]
        rows.append(row)
    return markdown(rows)


def record(records: list[Record]) -> str:
    """Return the time of both ways, the rounds' ratios, and the goal."""
    rounds = list(of_kind(records, "record"))
    ours, theirs = ([each["seconds"][way] * 1000 for each in rounds] for way in RECORD_WAYS)
    rows = [["rows", *(f"{way}, CPU ms" for way in RECORD_WAYS), "ratio", "goal"]]
    ratio = _spread([own / other for own, other in zip(ours, theirs, strict=True)])
    rows.append([f"{rounds[0]['rows']:,}", _spread(ours), _spread(theirs), ratio, "<= 1.5"])
    return markdown(rows)


def recipes(records: list[Record]) -> str:
    """Return the test metric of each data set's model, with the least and the most of its seeds, and its rivals'."""
    names = list(dict.fromkeys(rival for each in of_kind(records, "recipe") for rival in each["rivals"]))
    rows = [["data", "training rows", "recipe", "metric", "Plumbline", *names]]
    for runs in _of_data(records):
        first = runs[0]
        rivals = [_figure(first["rivals"][name]) if name in first["rivals"] else "" for name in names]
        tested = [each["test"] for each in runs]
        own = _figure(statistics.fmean(tested))
        own += f" ({_figure(min(tested))}-{_figure(max(tested))})" if len(runs) > 1 else ""
        metric = first["metric"] + ("" if first["higher_is_better"] else ", less is better")
        rows.append([first["data"], f"{first['rows']:,}", first["recipe"], metric, own, *rivals])
    return markdown(rows)


def reached(records: list[Record]) -> str:
    """Return a sentence on how many of the models are at least as good as the rivals, by the mean of their seeds."""
    every = [runs for runs in _of_data(records) if runs[0]["rivals"]]
    best, any_of = (sum(_reaches(runs, of) for runs in every) for of in (all, any))
    return f"At least as good as every rival: {best} of {len(every)}; as one of them at least: {any_of}."


def _reaches(runs: Sequence[Record], of: Callable[[Iterable[bool]], bool]) -> bool:
    sign, own = (1 if runs[0]["higher_is_better"] else -1), statistics.fmean(each["test"] for each in runs)
    return of(sign * own >= sign * value for value in runs[0]["rivals"].values())


def _of_data(records: list[Record]) -> Iterable[list[Record]]:
    measured = list(of_kind(records, "recipe"))
    for name in dict.fromkeys(each["data"] for each in measured):
        yield [each for each in measured if each["data"] == name]


def _figure(value: float) -> str:
    return f"{value:.4f}" if abs(value) <= 1 else f"{value:.4g}"
