"""The comparison of engines: what all compute, what is recorded, and what tables make of it. Nothing is timed."""

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import engine_tables
from benchmarks.__main__ import main
from benchmarks.engines import comparison, conversion, measuring
from benchmarks.engines.asking import Failed, working
from benchmarks.engines.comparison import compare_engines
from benchmarks.engines.conversion import CONVERTERS, NotConverted, convert, reason
from benchmarks.engines.installed import PACKAGES, installed
from benchmarks.engines.measuring import Plan, largest_difference, measure
from benchmarks.engines.runtimes import RUNTIMES
from benchmarks.engines.subjects import Subject, checked_rows, subjects
from benchmarks.engines.worker import time_calls, time_pair
from benchmarks.environments import ROOT
from benchmarks.results import Results, of_kind, read_results
from tests.serving.contracts import tabular_contract
from tests.serving.saved_models import write_saved_model

NAMES = {"label": "best", "model": "digits"}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "results.jsonl", "python -m benchmarks engines")


def test_random_rows_have_values_that_an_example_has_at_the_same_place() -> None:
    ids = np.array([[1, 20, 0], [2, 30, 0]], np.int32)
    pixels = np.array([[[0.0, 0.5]], [[1.0, 0.5]]], np.float32)
    rows = checked_rows({"ids": ids, "pixels": pixels})

    assert {name: (each.shape, each.dtype) for name, each in rows.items()} == {
        "ids": ((66, 3), np.dtype("int32")),
        "pixels": ((66, 1, 2), np.dtype("float32")),
    }
    assert rows["ids"][:2].tolist() == ids.tolist()
    assert [set(column) for column in rows["ids"].T.tolist()] == [{1, 2}, {20, 30}, {0}]
    assert 0 <= rows["pixels"].min() <= rows["pixels"].max() <= 1
    assert len(np.unique(rows["pixels"][:, 0, 0])) > 2


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "Error: 'X'\n\tTF Select ops: DenseBincount, EnsureShape\nDetails:",
            "no operation DenseBincount, EnsureShape",
        ),
        ("-- No conversion rule found for operations: DenseBincount\nTo add", "no operation DenseBincount"),
        ("ERROR - Unsupported ops: Counter({'Log1p': 1})\nINFO - saved", "no operation ({'Log1p': 1})"),
        ("loc(x): error: 'tf.Add' op wants a tensor\nnote: called from", "'tf.Add' op wants a tensor"),
        ("Traceback\nValueError: no signature\n", "ValueError: no signature"),
        ("", "no word why"),
    ],
)
def test_a_refusal_names_the_operations_that_lack(log: str, expected: str) -> None:
    assert reason(log) == expected


def test_a_version_s_own_lite_form_is_taken_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "1" / "assets.extra" / "model.tflite"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"lite")

    assert convert("LiteRT", tmp_path / "1", tmp_path / "form") == (tmp_path / "form", "the version's own")
    assert (tmp_path / "form" / "model.tflite").read_bytes() == b"lite"
    assert convert("TensorFlow", tmp_path / "1", tmp_path / "other") == (tmp_path / "1", "")


@pytest.mark.parametrize("refuses", [True, False])
def test_openvino_takes_onnx_only_where_it_refuses_the_saved_model(
    refuses: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[Path] = []

    def run(engine: str, converter: Any, source: Path, folder: Path) -> None:
        sources.append(source)
        if refuses and source.name == "1":
            raise NotConverted("no operation Bincount")

    monkeypatch.setattr(conversion, "_run", run)
    version, onnx, form = tmp_path / "1", tmp_path / "onnx", tmp_path / "form"

    assert convert("OpenVINO", version, form, onnx) == (form, "through ONNX" if refuses else "")
    assert sources == ([version, onnx / "model.onnx"] if refuses else [version])
    if refuses:
        with pytest.raises(NotConverted, match="Bincount"):
            convert("OpenVINO", version, form)
        with pytest.raises(NotConverted, match="Bincount"):
            convert("LiteRT", version, form, onnx)


def test_the_largest_difference_is_of_all_outputs_and_what_can_not_be_compared_fails() -> None:
    expected = {"scores": np.array([[0.5, np.nan]]), "means": np.array([1.0])}

    assert largest_difference(expected, expected) == 0
    assert largest_difference(expected, {**expected, "means": np.array([1.25])}) == 0.25
    for other in (
        {"scores": expected["scores"]},
        {**expected, "means": np.array([[1.0]])},
        {**expected, "scores": np.array([[0.5, 0.5]])},
    ):
        with pytest.raises(Failed):
            largest_difference(expected, other)


def test_calls_get_the_features_and_are_warmed_up() -> None:
    seen: list[Any] = []

    def call(features: Any) -> Any:
        seen.append(features)
        return {}

    assert time_calls(call, {"x": np.zeros(1)}, 0.0).keys() == {"ms", "cpu_ms"}
    assert len(seen) == 3
    assert time_pair([call, call], {"x": np.zeros(1)}, 0.01).keys() == {"answers", "cpu"}
    assert all(each.keys() == {"x"} for each in seen)


def test_a_process_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with pytest.raises(Failed, match="it ended: no such model"), working(command, tmp_path / "log"):
        pass


def test_an_engine_that_fails_is_recorded_and_the_others_are_measured(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "house_price").mkdir(parents=True)
    contract = tabular_contract()
    write_saved_model(tmp_path / "models" / "house_price" / "1", contract, contract.to_json())
    broken = dict.fromkeys(["TensorFlow", "Broken"], RUNTIMES["TensorFlow"])  # the worker knows no "Broken"
    monkeypatch.setattr(comparison, "RUNTIMES", broken)
    monkeypatch.setattr(comparison, "PACKAGES", {"TensorFlow": "click"})
    monkeypatch.setattr(comparison, "WORK", tmp_path / "work")
    compare_engines([tmp_path / "models"], Plan(1, 0.01), results, lambda line: None)

    records = read_results(results.path)
    assert {each["engine"] for each in of_kind(records, "engine_process")} == {"TensorFlow"}
    assert [each["server"] for each in of_kind(records, "failure")] == ["Broken, models/house_price"] * 2
    assert [(each["threads"], each["rows"]) for each in of_kind(records, "engine_time")] == [
        (threads, rows) for threads in (1, 2) for rows in (1, 8, 32, 512)
    ]
    assert [each["rows"] for each in of_kind(records, "engine_pair")] == [1, 8]
    assert [each["largest_difference"] for each in of_kind(records, "engine_scores")] == [0]


def test_an_engine_that_gives_no_answer_is_asked_no_more(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    class Slow:
        start_seconds = 1.0

        def __init__(self, engine: str) -> None:
            self.engine = engine

        def ask(self, do: str, **what: Any) -> dict[str, float]:
            asked.append((self.engine, do))
            if self.engine == "LiteRT" and what["rows"] == 8:
                raise Failed("no answer in 20 s")
            return {"ms": 1.0}

        def memory(self) -> dict[str, float]:
            return {"peak_mb": 1.0}

    monkeypatch.setattr(measuring, "python_for", lambda engine: Path(engine))
    monkeypatch.setattr(measuring, "working", lambda command, log: contextlib.nullcontext(Slow(str(command[0]))))
    subject = Subject("best", "digits", tmp_path, tmp_path, ())
    graphs = dict.fromkeys(["TensorFlow", "LiteRT"], tmp_path)
    measure(subject, graphs, Plan(2, 0.01), 1, 2, results)

    assert asked == [
        *[("LiteRT", "time"), ("TensorFlow", "time")],  # the next one first in the next round
        *[("LiteRT", "time"), ("TensorFlow", "time")],
        *[("LiteRT", "time"), ("TensorFlow", "time")],
        ("TensorFlow", "time"),
    ]
    records = read_results(results.path)
    assert [(each["round"], each["error"]) for each in of_kind(records, "failure")] == [(1, "no answer in 20 s")]
    assert [(each["engine"], each["rows"]) for each in of_kind(records, "engine_time")] == [
        *[("LiteRT", 1), ("TensorFlow", 1)],
        *[("TensorFlow", 8), ("TensorFlow", 32)],
    ]


def test_tables_have_ratios_of_the_same_round_and_what_does_not_convert(results: Results) -> None:
    for engine, error in (("TensorFlow", ""), ("LiteRT", ""), ("OpenVINO", "no operation Bincount")):
        results.add("engine", engine=engine, version="1.2", mb=2000.4)
        way = "through ONNX" if engine == "LiteRT" else ""
        results.add("converted", **NAMES, engine=engine, way=way, error=error, seconds=1.0)
    for number, (theirs, own) in enumerate([(4.0, 1.0), (8.0, 2.0), (4.0, 4.0)]):
        for engine, value in (("TensorFlow", theirs), ("LiteRT", own)):
            where = {**NAMES, "engine": engine, "round": number}
            for threads in (1, 2):
                times = {"ms": value / threads, "cpu_ms": value}
                results.add("engine_time", **where, threads=threads, rows=8, **times)
            memory = {"peak_mb": 100 * value, "anonymous_mb": 50.0, "start_seconds": 0.5}
            results.add("engine_process", **where, threads=1, **memory)
            results.add("engine_pair", **where, threads=1, rows=8, answers=1.9, cpu=1.0)
    results.add("engine_scores", **NAMES, engine="LiteRT", largest_difference=4.2e-7)
    records = read_results(results.path)

    assert "| LiteRT | 1.2 | 2,000 | 1 of 1 |  / 0.25 /  |  | 0.25 | 1.00 | 4e-07 |" in engine_tables.engines(records)
    assert "| OpenVINO | 1.2 | 2,000 | 0 of 1 |" in engine_tables.engines(records)
    models = engine_tables.engine_models(records)
    assert "| digits, best | LiteRT (through ONNX) | 2.00 |  | 0.5 |  | 1.90 | 200 | 50.0 | 0.5 | 4e-07 |" in models
    assert "| digits, best | OpenVINO | not converted: no operation Bincount |" in models


def test_models_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = [tmp_path / name / "models" for name in "ab"]
    for folder in folders:
        folder.mkdir(parents=True)
    options = [option for folder in folders for option in ("--models-dir", str(folder))]
    done = CliRunner().invoke(main, ["engines", *options])

    assert done.exit_code == 2
    assert "need different names" in done.output


def test_a_version_without_a_contract_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "models" / "digits" / "1").mkdir(parents=True)

    with pytest.raises(ValueError, match="digits/1: "):
        subjects([tmp_path / "models"], tmp_path / "work")


def test_an_installed_package_is_counted_with_what_it_needs() -> None:
    assert 0 < float(installed("click")["mb"]) < float(installed("flask")["mb"])
    assert set(PACKAGES) == set(RUNTIMES) == {"TensorFlow", *CONVERTERS}


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "tf2onnx"])
def test_engines_and_converters_are_locked(name: str) -> None:
    lock = (ROOT / "benchmarks" / "requirements" / f"{name}.txt").read_text()

    assert {name, "numpy"} <= set(re.findall("^([a-z0-9-]+)==", lock, re.M))
    assert "://" not in lock
