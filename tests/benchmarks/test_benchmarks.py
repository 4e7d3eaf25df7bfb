"""The benchmarks' own code: commands parse, answers are checked, tables show what was recorded. Nothing is timed."""

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.environments import ROOT
from benchmarks.fifty_fields import encoded, fitted_record, later_rows, training_rows
from benchmarks.gateway import model_server
from benchmarks.own_data import DATA, write_data
from benchmarks.payloads import Payload, photos, reviews
from benchmarks.recipes import compare_recipes
from benchmarks.report import DOCUMENT, write_report
from benchmarks.results import Results, read_results
from benchmarks.rounds import Plan, compare
from benchmarks.servers import SERVERS, Route, Server
from serving.contract.encoders import ENCODERS
from tests.serving.contracts import image_contract, text_contract
from training.declarations.overview import look_at

COMMANDS = re.findall(r"\$ python -m benchmarks (.*)", (ROOT / "benchmarks" / "README.md").read_text())
PLAN = Plan(rounds=2, seconds=1, warm_up_seconds=1, callers=(1,), rates={})


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "results.jsonl", "python -m benchmarks rivals")


@pytest.mark.parametrize("command", COMMANDS)
def test_shown_commands_have_these_options(command: str, tmp_path: Path) -> None:
    name, *arguments = shlex.split(command.replace("--models-dir models", f"--models-dir {tmp_path}"))
    shown = main.get_command(click.Context(main), name)

    assert shown is not None
    shown.make_context(name, arguments)


def test_payloads_are_made_of_the_contract_s_own_words_and_photos(tmp_path: Path) -> None:
    for contract in (text_contract(), image_contract()):
        file = tmp_path / contract.model / "1" / "assets.extra" / "contract.json"
        file.parent.mkdir(parents=True)
        file.write_text(contract.to_json())
    texts, images = reviews(tmp_path / "sentiment"), photos(tmp_path / "digits")

    assert {word for instance in texts for word in instance["text"].split()} >= {"good", "film"}
    assert {len(instance["text"]) for instance in texts} == {1300}
    assert len({instance["text"] for instance in texts}) == len(texts) == len(images) == 16
    assert {Image.open(io.BytesIO(instance["image"])).size for instance in images} == {(500, 375)}


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"predictions": [{"scores": {"good": 0.7, "bad": 0.3}}]}, ""),
        ([{"scores": {"good": 0.7, "bad": 0.3}}], ""),
        ({"predictions": [{"scores": {"good": 0.3, "bad": 0.7}}]}, "wrong scores"),
        ({"predictions": [{"scores": {"good": 0.7}}]}, "wrong scores"),
        ({"predictions": []}, "without scores"),
        ({"error": "x"}, "without scores"),
    ],
)
def test_an_answer_counts_only_if_it_is_correct(reply: object, problem: str) -> None:
    payload = Payload([{"text": "x"}], [{"good": 0.7, "bad": 0.3}])

    found = payload.check(0, json.dumps(reply).encode())
    assert problem in found
    assert bool(problem) == bool(found)


def test_a_server_that_does_not_start_is_recorded_with_its_log_and_the_others_are_measured(
    results: Results, tmp_path: Path
) -> None:
    def broken(name: str) -> Server:
        routes = {"sentiment": Route("/", "text/plain", lambda instance: b"")}
        return Server(name, "", lambda port, models: ["-c", f"raise SystemExit('{name} can not start')"], routes)

    lines: list[str] = []
    payloads = {"sentiment": Payload([{"text": "x"}], [{"good": 1.0}])}
    compare([broken("first"), broken("second")], tmp_path, payloads, PLAN, results, lines.append)

    _, *failed = read_results(results.path)
    assert [(each["kind"], each["server"], each["round"]) for each in failed] == [
        ("failure", "first", 0),
        ("failure", "second", 0),
        ("failure", "second", 1),
        ("failure", "first", 1),
    ]
    assert all(f"{each['server']} can not start" in each["error"] for each in failed)


def test_the_gateway_is_measured_before_the_original_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert model_server()[0] == "our server"
    binary = tmp_path / "tensorflow_model_server"
    binary.touch(0o755)
    name, command = model_server()
    assert (name, command[0]) == ("TensorFlow Serving", str(binary))


def test_tables_contain_what_was_recorded(results: Results, tmp_path: Path) -> None:
    for number, (ours, theirs) in enumerate([(120, 100), (90, 100), (330, 300)]):
        for server, per_second in (("Plumbline", ours), ("Flask", theirs), ("FastAPI", theirs / 2)):
            results.add("closed", **_closed(server, number, per_second))
            memory = {"memory_mb": per_second, "anonymous_mb": per_second / 2}
            results.add("process", server=server, round=number, start_seconds=3.0, **memory)
    results.add("open", server="Flask", model="sentiment", asked_per_second=50.0, p99_ms=4.0, errors=0, late=0.0)
    results.add("failure", server="Ray Serve", round=1, error="it ended:\nand why")
    results.add("gateway", repeat=0, ready_seconds=0.5, workers_mb=[50.0, 60.0])
    results.add(
        "overhead", model="sentiment", server="our server", gateway_p50_ms=1.5, call_p50_ms=0.7, overhead_ms=0.8
    )
    for way, seconds in (("plumbline", 8.0), ("plain Keras", 10.0)):
        results.add("training", model="topic", way=way, round=0, seconds=seconds, peak_mb=1000)
    for number, ours in enumerate([0.05, 0.06, 0.02]):
        seconds = {"the contract": ours, "pandas and scikit-learn": 0.1}
        results.add("record", round=number, rows=1000, seconds=seconds)
    for data, seed, tested, rises in (("wine", 1, 0.9, True), ("wine", 2, 1.0, True), ("co2", 1, 0.5, False)):
        facts = {"rows": 1234, "recipe": "mixed", "metric": "it", "higher_is_better": rises, "test": tested}
        results.add("recipe", data=data, seed=seed, **facts, rivals={"boosting": 0.96, "linear": 0.4}, seconds=1.0)
    results.add("converted", label="best", model="topic", engine="LiteRT", way="", error="no operation Bincount")
    point = {"per_second": 10.0, "p50_ms": 9.0, "errors": 3}
    results.add("sweep", sweep="callers", value=128, model="sentiment", callers=128, **point)
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT.read_text())

    parts = ["rivals", "gateway", "sweeps", "training", "record", "recipes", "engines"]
    assert write_report(read_results(results.path), document, tmp_path) == parts
    text = document.read_text()
    assert "| **Plumbline** | 120 (90.0-330) | 25.0 / 50.0 | 0.70 (0.70-0.70) |" in text
    assert "| text req/s at 1 | Flask | 1.10 | >= 0.8 |" in text
    assert "- Ray Serve, round 2: it ended:" in text
    assert "| text: p50 by the gateway - of the bare call of our server, ms | 1.50 - 0.70 = 0.80 | <= 1.0 |" in text
    assert "| topic | 10.0 | 8.00 | 0.80 |" in text
    assert "| 1,000 | 50.0 (20.0-60.0) | 100 (100-100) | 0.50 (0.20-0.60) | <= 1.5 |" in text
    assert "| wine | 1,234 | mixed | it | 0.9500 (0.9000-1.0000) | 0.9600 | 0.4000 |" in text
    assert "At least as good as every rival: 0 of 2; as one of them at least: 2." in text
    assert "| topic, best | LiteRT | not converted: no operation Bincount |" in text
    assert "| callers | 128 | 10.0 | 9.00 |  |  | 3 |" in text
    assert len(list(tmp_path.glob("*.png"))) == 3


@pytest.mark.parametrize("name", ["penguins", "digits", "votes_1996", "sunspots", "chinese_meals"])
def test_a_data_set_is_written_as_a_file_whose_target_is_there(name: str, tmp_path: Path) -> None:
    path, target = write_data(name, tmp_path)
    overview = look_at(path, target)

    assert overview.table.rows > 100
    assert overview.fields


def test_the_default_recipe_is_measured_beside_its_rivals(results: Results, tmp_path: Path, monkeypatch: Any) -> None:
    rows = [{"x": row % 7, "kind": "ab"[row % 7 > 3], "y": f"{row % 7 * 10}.5"} for row in range(80)]
    monkeypatch.setitem(DATA, "toy", ("csv", "y", lambda: rows))
    compare_recipes(["toy"], 1, tmp_path, results, lambda line: None)

    *_, measured = read_results(results.path)
    assert (measured["data"], measured["metric"], measured["rows"]) == ("toy", "mae", 64)
    assert measured["test"] < 20
    assert [name.partition(" (")[0] for name in measured["rivals"]] == ["gradient boosting", "ridge regression"]


def test_the_record_has_fifty_fields_of_all_kinds_but_pictures_and_its_later_rows_fit_it() -> None:
    record = fitted_record(training_rows(400))
    rows = json.loads(later_rows(20))
    inputs = encoded(record, rows)

    assert len(record.fields) == len(rows[0]) == 50
    assert {encoder.kind for encoder in record.fields.values()} == ENCODERS.keys() - {"image"}
    assert {name: array.shape for name, array in inputs.items()} == {
        name: (20, *spec.shape[1:]) for name, spec in record.specs.items()
    }
    assert len(inputs) == 9


def test_pandas_and_scikit_learn_are_locked() -> None:
    lock = (ROOT / "benchmarks" / "requirements" / "scikit-learn.txt").read_text()

    assert {"pandas", "scikit-learn", "numpy", "pillow"} <= set(re.findall("^([a-z-]+)==", lock, re.M))
    assert "://" not in lock


def test_each_rival_has_a_locked_environment_with_tensorflow() -> None:
    for server in SERVERS:
        assert server.routes.keys() == {"sentiment", "image"}
        if not server.ours:
            lock = (ROOT / "benchmarks" / "requirements" / f"{server.environment}.txt").read_text()
            assert re.search("^tensorflow==", lock, re.M)
            assert "://" not in lock


def _closed(server: str, number: int, per_second: float) -> dict[str, Any]:
    where = {"server": server, "callers": 1, "round": number, "model": "sentiment"}
    return {
        **where,
        "per_second": per_second,
        "p50_ms": 25.0,
        "p99_ms": 50.0,
        "max_ms": 60.0,
        "errors": 0,
        "cpu_ms": 0.7,
    }
