import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from serving.commands.models import models
from serving.contract import Reading
from tests.serving.registry.folders import MODEL, contract, numbers, publish_version

SAMPLE = contract(data="sample").to_json()


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Three versions; the first is a sample's."""
    publish_version(tmp_path, document=SAMPLE)
    publish_version(tmp_path, document=contract(value=0.875).to_json())
    publish_version(tmp_path)
    return tmp_path


def run(models_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(models, arguments, env={"PLUMBLINE_MODELS": str(models_dir)})


def told(models_dir: Path, *arguments: str) -> Sequence[str]:
    result = run(models_dir, *arguments)
    assert result.exit_code == 0, result.output
    lines: Sequence[str] = result.output.splitlines()
    return lines


def test_list_shows_each_version_and_what_becomes_of_it(models_dir: Path) -> None:
    (models_dir / MODEL / "2" / "assets.extra" / "contract.json").unlink()
    told(models_dir, "promote", MODEL, "3")
    header, *rows = [line.split() for line in told(models_dir, "list")]

    assert header == "MODEL VERSION STATE DATA RECIPE METRIC TRAINED NOTE".split()
    trained = "accuracy 0.9 (baseline 0.5) 2026-01-02T03:04:05+00:00".split()
    assert rows[0] == [MODEL, "1", "idle", "sample", "baseline", *trained]
    assert rows[1] == f"{MODEL} 2 broken - - - - assets.extra/contract.json: No such file or directory".split()
    assert rows[2] == [MODEL, "3", "kept", "boston_housing", "baseline", *trained]
    assert rows[3][:-1] == [
        MODEL,
        "4",
        "newest",
        "boston_housing",
        "baseline",
        *trained,
        *"promote of version 3,".split(),
    ]


def test_an_odd_contract_does_not_hide_the_others(models_dir: Path) -> None:
    publish_version(models_dir, document=contract().to_json().replace('"baseline": {"accuracy": 0.5}', '"baseline": 7'))

    assert [line.split()[5] for line in told(models_dir, "list")[1:]] == ["accuracy", "accuracy", "accuracy", "-"]


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    assert told(tmp_path, "list") == [f"{tmp_path} holds no published model; first run: plumbline train all"]


def test_show_tells_of_the_live_version_or_of_the_one_that_is_named(models_dir: Path) -> None:
    facts = dict(line.split(maxsplit=1) for line in told(models_dir, "show", MODEL))
    assert facts["version"] == "3"
    assert facts["state"] == "newest"
    assert facts["fields"] == "rooms (number), age (number)"
    assert facts["answer"] == "value"
    assert "metric       accuracy 0.875 (baseline 0.5)" in told(models_dir, "show", MODEL, "2")


def test_show_tells_what_else_was_measured(models_dir: Path) -> None:
    text = contract().to_json().replace('"test": {', '"test": {"rows": 80, "macro_f1": 0.8125, "auc": 0.9, ')
    publish_version(models_dir, document=text)

    lines = [" ".join(line.split()) for line in told(models_dir, "show", MODEL)]
    assert "also measured macro_f1 0.8125, auc 0.9" in lines
    assert any(line.startswith("metric accuracy 0.") for line in lines)


def test_show_tells_how_files_of_rows_are_read(models_dir: Path) -> None:
    reading = Reading(separator=";", decimal=",", missing=("", "k.A."))
    publish_version(models_dir, document=replace(contract(), reading=reading).to_json())

    lines = [" ".join(line.split()) for line in told(models_dir, "show", MODEL)]
    assert 'files like separator semicolon, decimal comma, utf-8, gaps "" "k.A."' in lines


def test_show_tells_of_an_import_where_it_is_from(models_dir: Path) -> None:
    imported = replace(
        contract(),
        evaluation={"note": "not measured"},
        provenance={"recipe": "imported", "source": "mood.keras", "source_sha256": "ab12"},
    )
    publish_version(models_dir, document=imported.to_json())

    lines = [" ".join(line.split()) for line in told(models_dir, "show", MODEL)]
    assert "metric not measured here" in lines
    assert "imported from mood.keras, sha256 ab12" in lines


def test_promote_and_rollback_say_what_was_done_and_what_the_model_server_will_do(models_dir: Path) -> None:
    first, second = told(models_dir, "promote", MODEL, "2")
    assert first == "house_price: version 4 holds what version 2 does"
    assert second.startswith("TensorFlow Serving loads 4 when it next looks at the folder")

    first, second = told(models_dir, "rollback", MODEL)
    assert first == "house_price: version 5 holds what version 3 does"
    assert "requests then go there instead of to 4" in second


def test_prune_says_what_it_removes_and_does_so_unless_dry(models_dir: Path) -> None:
    publish_version(models_dir)
    assert told(models_dir, "prune", "--dry-run", "--keep", "3") == ["house_price: would remove 1; 2, 3, 4 stay"]
    assert numbers(models_dir) == [1, 2, 3, 4]

    assert told(models_dir, "prune", MODEL)[0] == "house_price: removed 1, 2; 3, 4 stay"
    assert told(models_dir, "prune")[0] == "house_price: nothing to remove; 3, 4 stay"
    assert numbers(models_dir) == [3, 4]


def test_prune_spares_what_the_lists_a_gateway_and_the_canary_name(models_dir: Path) -> None:
    for _ in range(5):
        publish_version(models_dir)
    entry = f'name: "{MODEL}" base_path: "/models/{MODEL}" version_labels {{ key: "stable" value: 1 }}'
    config = models_dir / "models.config"
    config.write_text(f"model_config_list {{ config {{ {entry} }} }}")

    with answering({"models": [{"name": MODEL, "ready": True, "versions": [3, 8]}]}, "Bearer secret") as url:
        key = models_dir / "key"
        key.write_text("secret\n")
        files = ("--models-config", str(config), "--api-key-file", str(key))
        options = (*files, "--gateway", url, "--canary", f"{MODEL}:5=10")
        assert told(models_dir, "prune", *options)[0] == "house_price: removed 2, 4, 6; 1, 3, 5, 7, 8 stay"


def test_a_model_is_removed_with_all_its_versions_once_nothing_serves_it(models_dir: Path) -> None:
    (models_dir / MODEL / "2" / "saved_model.pb").unlink()
    with answering({"models": [{"name": MODEL, "ready": True, "versions": [3]}]}) as url:
        refused = run(models_dir, "remove", MODEL, "--gateway", url)
    assert "house_price is still served: take it out of the model lists and MODELS first" in refused.output
    assert numbers(models_dir) == [1, 2, 3]

    with answering({"models": [{"name": "topic", "ready": True, "versions": [3]}]}) as url:
        assert told(models_dir, "remove", MODEL, "--gateway", url) == ["house_price: removed 1, 2, 3"]
    assert numbers(models_dir) == []
    assert publish_version(models_dir) == 4


def test_a_store_is_pruned_and_cleared_like_a_folder(models_dir: Path) -> None:
    publish_version(models_dir)
    store = f"memory://{models_dir}"
    told(models_dir, "copy", str(models_dir), store)

    spared = told(models_dir, "prune", "--store", store, "--canary", f"{MODEL}:1=5", "--dry-run")
    assert spared == ["house_price: would remove 2; 1, 3, 4 stay"]
    assert told(models_dir, "prune", "--store", store)[0] == "house_price: removed 1, 2; 3, 4 stay"
    assert told(models_dir, "remove", MODEL, "--store", store) == ["house_price: removed 3, 4"]
    assert (
        "there is no model 'zebra'; there are house_price"
        in run(models_dir, "remove", "zebra", "--store", store).output
    )
    assert numbers(models_dir) == [1, 2, 3, 4]


def test_prune_leaves_a_model_alone_that_a_gateway_can_t_answer_for(models_dir: Path) -> None:
    with answering({"models": [{"name": MODEL, "ready": False, "versions": []}]}) as url:
        assert told(models_dir, "prune", "--gateway", url)[0] == "house_price: nothing to remove; 1, 2, 3 stay"


@pytest.mark.parametrize(
    "options", ["--gateway http://127.0.0.1:1", "--models-config {broken}", "--canary house_price"], ids=str.split
)
def test_prune_removes_nothing_if_it_can_t_learn_what_is_in_use(models_dir: Path, options: str) -> None:
    (models_dir / "broken").write_text("config")
    result = run(models_dir, "prune", *options.format(broken=models_dir / "broken").split())

    assert result.exit_code != 0
    assert numbers(models_dir) == [1, 2, 3]


@contextmanager
def answering(document: Any, key: str | None = None) -> Iterator[str]:
    """The URL of a server that answers each GET that has the *key* with *document*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.headers["Authorization"] == key else 401)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("show zebra", 1, "holds no model 'zebra'; there are house_price"),
        ("show house_price 9", 1, "house_price: there is no version 9; there are 1, 2, 3"),
        ("promote house_price 9", 1, "house_price: there is no version 9; there are 1, 2, 3"),
        ("promote ../house_price 1", 1, "holds no model '../house_price'"),
        ("promote house_price 1", 1, "version 1 is not to be served: it was trained on the built-in sample"),
        ("promote house_price new", 2, "'new' is not a valid integer"),
        ("rollback zebra", 1, "holds no model 'zebra'"),
        ("prune zebra", 1, "holds no model 'zebra'"),
        ("prune --keep 1", 2, "1 is not in the range x>=2"),
        ("copy nowhere elsewhere", 1, "nowhere: there is no model to copy"),
        ("copy gopher://bucket elsewhere", 1, "gopher://bucket: Protocol not known: gopher"),
        ("prune --models-dir nowhere", 2, "Directory 'nowhere' does not exist"),
        ("list --models-dir nowhere", 2, "Directory 'nowhere' does not exist"),
        ("--url http://gateway:8000 list", 2, "--url stands after 'served', or with no command"),
    ],
)
def test_what_can_t_be_done_is_told_in_a_line(models_dir: Path, arguments: str, code: int, message: str) -> None:
    result = run(models_dir, *arguments.split())

    assert result.exit_code == code
    assert message in result.output
    assert numbers(models_dir) == [1, 2, 3]


def test_a_folder_that_may_not_be_written_is_told_in_a_line(models_dir: Path) -> None:
    (models_dir / MODEL / ".highest_version.new").mkdir()  # a stand-in that also stops root
    result = run(models_dir, "rollback", MODEL)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert ".highest_version.new" in result.output


@pytest.mark.parametrize("name", models.commands)
def test_each_command_has_help_with_examples(name: str) -> None:
    shown = CliRunner().invoke(models, [name, "--help"]).output

    assert "Examples:" in shown
    assert f"plumbline models {name}" in shown


@pytest.mark.parametrize("arguments", [[], ["served"]])
def test_models_alone_does_as_served(arguments: list[str]) -> None:
    result = CliRunner().invoke(models, [*arguments, "--url", "localhost:8000"])

    assert isinstance(result.exception, SystemExit)
    assert "expected a URL such as http://127.0.0.1:8000, got 'localhost:8000'" in result.output


def test_the_commands_are_these() -> None:
    assert isinstance(models, click.Group)
    assert list(models.commands) == [
        "served",
        "list",
        "show",
        "promote",
        "rollback",
        "prune",
        "remove",
        "copy",
        "config",
        "check",
        "quarantine",
        "sign",
        "verify",
    ]
