"""The models in the process that asks: what the catalog makes of them, and what happens in their folder."""

import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from serving.catalog import Catalog
from serving.catalog.weights import ModelWeights
from serving.contract.answers import SCORES
from serving.errors import ModelServerError, ModelServerRefused, ModelServerTimeout, UnknownLabel, UnknownVersion
from serving.model_servers.embedded import EmbeddedServer
from serving.registry.integrity import SIGNATURE
from serving.registry.signatures import sign_version
from serving.registry.signing_keys import read_private_key, read_public_key
from serving.runtime.model import Pace
from serving.tfserving.version_status import VersionState
from tests.serving.fake_model_server import wait_until
from tests.serving.registry.folders import carry, without_manifest
from tests.serving.registry.test_signatures import write_keys

Serve = Callable[..., EmbeddedServer]


@pytest.fixture
def models_dir(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "models"))


@pytest.fixture
def serve(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr("serving.model_servers.embedded.Pace", lambda: Pace(poll_seconds=0.05))
    servers = []

    def embedded(*models: str, **options: Any) -> EmbeddedServer:
        servers.append(EmbeddedServer(models_dir, models, **options))
        return servers[-1]

    yield embedded
    for server in servers:
        server.close()


def test_every_model_is_admitted_and_computes_what_training_computed(serve: Serve, trained: Any) -> None:
    server = serve(*trained)
    for name in trained:  # a catalog waits for none of them
        server.versions(name, 30)
    catalog = Catalog(server, tuple(trained))
    for name, result in trained.items():
        live = catalog.live(name)  # which has replayed the examples
        assert (live.version, live.contract.to_json()) == (1, result.contract.to_json())
        example = live.contract.examples[0]
        version, outputs = server.predict(name, 1, live.contract.features([example.instance]), 5)
        assert version == 1
        np.testing.assert_allclose(outputs[SCORES][0], example.outputs[SCORES], atol=live.contract.tolerance)
        made = live.contract.answers.make({name: array[None] for name, array in example.outputs.items()})
        assert made == [example.answer]


def test_only_versions_that_a_trusted_key_signed_are_loaded_and_the_last_of_them_answers(
    serve: Serve, models_dir: Path, tmp_path: Path
) -> None:
    private, public = write_keys(tmp_path, "trusted", ec.SECP256R1())
    folder = models_dir / "digits"
    sign_version(folder / "1", read_private_key(private))
    for number in ("2", "3"):  # newer, and two of them, as many as are served
        shutil.copytree(folder / "1", folder / number)
        (folder / number / SIGNATURE).unlink()
    server = serve("digits", trusted=[read_public_key(public)])
    catalog = Catalog(server, ("digits",))
    wait_until(lambda: len(server.versions("digits", 30)) == 3)
    assert catalog.live("digits").version == 1
    problems = {each.version: each.problem for each in server.versions("digits", 30)}
    assert "expected a signature in assets.extra/model.sig, got none" in problems[3]
    sign_version(folder / "3", read_private_key(write_keys(tmp_path, "other", ec.SECP256R1())[0]))
    wait_until(lambda: "trusted.pub, got another" in server.versions("digits", 30)[0].problem)
    sign_version(folder / "3", read_private_key(private))
    wait_until(lambda: any(each.version == 3 and each.available for each in server.versions("digits", 30)))
    catalog.refresh("digits")
    assert catalog.live("digits").version == 3


def test_a_version_that_was_just_loaded_is_admitted_once_it_is_known_what_computes_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a list from just before would leave it without a name in metrics, for as long as it lives."""
    server = serve("digits")
    (loaded,) = server.versions("digits", 30)
    before = replace(loaded, state=VersionState.LOADING, engine="")
    catalog = Catalog(server, ("digits",))
    with monkeypatch.context() as earlier:
        earlier.setattr(server, "versions", lambda model, seconds: (before,))
        catalog.refresh("digits")
    assert catalog.state("digits").live == {}
    catalog.refresh("digits")
    assert catalog.live("digits").engine == "lite"


def test_each_call_is_told_with_the_code_that_a_server_would_give(serve: Serve, trained: Any) -> None:
    told: list[tuple[str, str, str]] = []
    server = serve("digits", on_rpc=lambda model, method, code, seconds: told.append((model, method, code)))
    server.versions("digits", 30)
    contract = trained["digits"].contract
    server.predict("digits", 1, contract.features([contract.examples[0].instance]), 5)
    with pytest.raises(ModelServerRefused, match=r"digits: .*INVALID_ARGUMENT: .*picture"):
        server.predict("digits", 1, {"picture": np.zeros((1, 28, 28), np.float32)}, 5)
    assert told == [("digits", "Predict", "OK"), ("digits", "Predict", "INVALID_ARGUMENT")]


def test_who_waits_for_others_to_be_computed_keeps_the_deadline(serve: Serve, trained: Any) -> None:
    codes: list[str] = []
    server = serve("digits", on_rpc=lambda model, method, code, seconds: codes.append(code))
    server.versions("digits", 30)
    contract = trained["digits"].contract
    features = contract.features([contract.examples[0].instance])
    with server._limits.slot("digits", 1), pytest.raises(ModelServerTimeout, match="waiting in the queue"):
        server.predict("digits", 1, features, 0.05)
    assert server.predict("digits", 1, features, 5)[0] == 1
    assert codes == ["DEADLINE_EXCEEDED", "OK"]


def test_what_is_not_there_is_said_without_a_wait(serve: Serve) -> None:
    server = serve("digits", "churn")
    started = time.monotonic()
    with pytest.raises(UnknownVersion):
        server.versions("churn", 30)
    assert time.monotonic() - started < 15
    with pytest.raises(UnknownVersion):
        server.predict("digits", 9, {}, 5)
    with pytest.raises(UnknownLabel):
        server.labelled("digits", "stable", 5)


def test_the_two_newest_versions_are_served(serve: Serve, models_dir: Path) -> None:
    server = serve("digits")
    for number in ("2", "3"):
        server.versions("digits", 30)
        shutil.copytree(models_dir / "digits" / "1", models_dir / number)
        (models_dir / number).rename(models_dir / "digits" / number)
    wait_until(lambda: available(server, "digits") == [3, 2])
    with pytest.raises(UnknownVersion):
        server.contract("digits", 1, 5)


def test_a_version_that_is_named_is_loaded_besides_the_two_newest(serve: Serve, models_dir: Path) -> None:
    for number in ("2", "3", "4"):
        shutil.copytree(models_dir / "digits" / "1", models_dir / "digits" / number)
    named = {2}
    server = serve("digits", named=lambda model: named)
    wait_until(lambda: available(server, "digits") == [4, 3, 2])
    named |= {1}
    wait_until(lambda: available(server, "digits") == [4, 3, 2, 1])


def test_no_newer_version_answers_while_the_stable_one_is_loaded(serve: Serve, models_dir: Path) -> None:
    for number in ("2", "3", "4"):
        shutil.copytree(models_dir / "digits" / "1", models_dir / "digits" / number)
    weights = {"digits": ModelWeights(1, {3: 10.0})}
    server = serve("digits", named=lambda model: weights[model].named)
    catalog, answered = Catalog(server, ["digits"], weights=weights), set()

    def is_ready() -> bool:
        catalog.refresh("digits")
        if newest := catalog.state("digits").newest:
            answered.add(newest.version)
        return catalog.ready

    wait_until(is_ready)
    assert answered == {1}
    wait_until(lambda: is_ready() and list(catalog.state("digits").live) == [4, 3, 1])
    assert answered == {1}


def test_a_model_is_loaded_when_it_is_asked_for_and_freed_when_it_is_forgotten(serve: Serve) -> None:
    server = serve()
    assert available(server, "digits") == [1]
    engine = weakref.ref(server._model("digits").available[1])
    server.forget("digits")
    with pytest.raises(UnknownVersion):
        server.predict("digits", 1, {}, 5)
    wait_until(lambda: gc.collect() >= 0 and engine() is None)
    assert "model-digits" not in {thread.name for thread in threading.enumerate()}
    assert available(server, "digits") == [1]
    server.forget("never asked for")


def test_a_load_that_failed_is_tried_again_when_its_files_change_and_logged_once(
    serve: Serve, models_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    without_lite_form(models_dir / "digits" / "1")
    graph = models_dir / "digits" / "1" / "saved_model.pb"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:100])
    server = serve("digits")
    assert available(server, "digits") == []
    (problem,) = [each.problem for each in server.versions("digits", 5)]
    for _ in range(3):
        os.utime(graph)
        time.sleep(0.2)
    assert caplog.text.count(problem) == 1
    graph.write_bytes(whole)
    wait_until(lambda: available(server, "digits") == [1])


def test_a_damaged_version_is_told_and_harms_no_other(serve: Serve, models_dir: Path) -> None:
    (models_dir / "digits" / "2").mkdir()
    (models_dir / "digits" / "2" / "saved_model.pb").write_bytes(b"nothing")
    server = serve("digits")
    wait_until(lambda: available(server, "digits") == [1])
    (problem,) = [each.problem for each in server.versions("digits", 5) if each.version == 2]
    assert str(models_dir / "digits" / "2") in problem


def test_a_version_whose_files_are_not_its_manifests_is_not_loaded_until_they_are(
    serve: Serve, models_dir: Path
) -> None:
    contract = models_dir / "digits" / "1" / "assets.extra" / "contract.json"
    whole = contract.read_bytes()
    contract.write_bytes(whole[:-1] + b" }")
    server = serve("digits")
    (status,) = server.versions("digits", 30)
    assert "assets.extra/contract.json: expected " in status.problem
    assert not status.available
    contract.write_bytes(whole)
    wait_until(lambda: available(server, "digits") == [1])


def test_a_contract_that_the_graph_does_not_carry_is_refused(serve: Serve, models_dir: Path) -> None:
    contract = without_manifest(models_dir / "sentiment" / "1") / "assets.extra" / "contract.json"
    swapped = contract.read_text().replace('["negative", "positive"]', '["positive", "negative"]', 1)
    assert swapped != contract.read_text()
    contract.write_text(swapped)
    catalog = Catalog(serve("sentiment"), ("sentiment",))

    wait_until(lambda: catalog.refresh("sentiment") or catalog.state("sentiment").refused)
    assert "expected the contract that the graph carries, got another" in catalog.state("sentiment").problem


LOADED = """
import sys
from pathlib import Path
from serving.catalog import Catalog
from serving.model_servers import connect
from serving.model_servers.embedded import EmbeddedServer
connect.load_embedded([Path(sys.argv[1]) / "digits" / "1"])
live = Catalog(EmbeddedServer(Path(sys.argv[1]), ["digits"]), ["digits"]).live("digits")
libraries = "tensorflow", "ai_edge_litert", "keras", "grpc"
print(live.engine, *(name for name in sys.modules if name.startswith(libraries)))
"""


def loaded(models_dir: Path) -> list[str]:
    command = [sys.executable, "-c", LOADED, str(models_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_version_with_a_lite_form_is_computed_without_tensorflow(published: Path) -> None:
    engine, *modules = loaded(published)
    assert engine == "lite"
    assert "ai_edge_litert.interpreter" in modules
    assert not [name for name in modules if name.startswith(("tensorflow.", "keras", "grpc"))]


def test_of_tensorflow_only_messages_and_library_are_loaded_and_of_grpc_nothing(models_dir: Path) -> None:
    without_lite_form(models_dir / "digits" / "1")
    engine, *modules = loaded(models_dir)
    assert engine == "tensorflow"
    assert "tensorflow.core.protobuf.meta_graph_pb2" in modules
    assert not [name for name in modules if name.startswith(("tensorflow.python", "ai_edge_litert", "keras", "grpc"))]


def test_a_lite_form_that_was_cut_or_replaced_is_never_computed(serve: Serve, models_dir: Path) -> None:
    lite = without_manifest(models_dir / "digits" / "1") / "assets.extra" / "model.tflite"
    whole = lite.read_bytes()
    lite.write_bytes(whole[:-1] + b"x")
    server = serve("digits")
    (status,) = server.versions("digits", 30)
    assert not status.available
    assert "assets.extra/model.tflite: expected the SHA-256" in status.problem
    lite.write_bytes(whole)
    wait_until(lambda: available(server, "digits") == [1])


def test_gunicorn_reads_contracts_for_all_its_workers_before_it_forks(models_dir: Path) -> None:
    (models_dir / "digits" / "2").mkdir()  # what is wrong with it the workers will tell
    code = """
import sys
from pathlib import Path
from serving.gateway.gunicorn_conf import _contracts, on_starting
on_starting(None)
document = (Path(sys.argv[1]) / "sentiment/1/assets.extra/contract.json").read_bytes()
assert _contracts.read(document) is _contracts.read(document)
contract, _ = _contracts.read(document)
assert contract.record.fields["text"].max_characters == 7777
"""
    settings = {"MODELS_DIR": str(models_dir), "MODELS": "digits,sentiment,absent", "MAX_TEXT_CHARACTERS": "7777"}
    command = [sys.executable, "-c", code, str(models_dir)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_memory_is_given_back_until_it_is_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed = threading.Semaphore(0)
    monkeypatch.setattr("serving.model_servers.embedded._TRIM_SECONDS", 0.01)
    monkeypatch.setattr("serving.process.memory.trim", trimmed.release)
    server = serve()
    assert trimmed.acquire(timeout=10)
    assert trimmed.acquire(timeout=10)
    (thread,) = [each for each in threading.enumerate() if each.name == "trim-memory"]
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_version_without_a_contract_is_told(serve: Serve, models_dir: Path) -> None:
    (without_manifest(models_dir / "digits" / "1") / "assets.extra" / "contract.json").unlink()
    server = serve("digits")
    assert available(server, "digits") == [1]
    with pytest.raises(ModelServerError, match=r"digits: version 1 carries no contract: .*contract\.json"):
        server.contract("digits", 1, 5)


def test_versions_that_are_refused_do_not_push_out_the_one_that_answers(serve: Serve, models_dir: Path) -> None:
    folder = models_dir / "digits"
    for version in ("2", "3"):
        shutil.copytree(folder / "1", models_dir / version)
        contract = without_manifest(models_dir / version) / "assets.extra" / "contract.json"
        carry(models_dir / version, contract.read_text().replace('"kind": "image"', '"kind": "hologram"', 1))
        (models_dir / version).rename(folder / version)
    catalog = Catalog(serve("digits"), ("digits",))

    def answers() -> bool:
        catalog.refresh("digits")
        return catalog.state("digits").ready

    wait_until(answers)  # the newest are loaded, and refused, first
    wait_until(lambda: answers() and len(catalog.state("digits").refused) == 2)
    assert catalog.live("digits").version == 1
    refused = catalog.state("digits").refused
    assert sorted(refused) == [2, 3]
    assert (
        "unknown encoder kind 'hologram'; there are number, category, tags, date, text, image, array, raw"
        in refused[3].reason
    )


def test_at_the_start_newer_versions_that_can_not_be_loaded_are_passed_over(serve: Serve, models_dir: Path) -> None:
    for version in ("2", "3"):
        copy = Path(shutil.copytree(models_dir / "digits" / "1", models_dir / "digits" / version))
        (copy / "saved_model.pb").write_bytes(b"no longer what its manifest says")
    (models_dir / "digits" / "4").mkdir()
    (models_dir / "digits" / "5").touch()
    server = serve("digits")
    assert available(server, "digits") == [1]  # at once: nobody is told in between that there is none


@pytest.mark.parametrize("first", ["good", "bad"])
def test_versions_that_were_refused_take_the_place_of_none_that_was_admitted(
    serve: Serve, models_dir: Path, first: str
) -> None:
    def publish(number: int, change: Callable[[Path], object] = lambda copy: None) -> None:
        change(Path(shutil.copytree(models_dir / "sentiment" / "1", models_dir / f"{number}")))
        (models_dir / f"{number}").rename(models_dir / "sentiment" / f"{number}")

    for number in (2, 3, 4) if first == "bad" else ():
        publish(number, another_parity)
    catalog = Catalog(serve("sentiment"), ("sentiment",))

    def live() -> list[int]:
        catalog.refresh("sentiment")
        return [*catalog.state("sentiment").live]

    wait_until(lambda: live() == [1])
    for number in (2, 3, 4) if first == "good" else ():
        publish(number, another_parity)
        wait_until(lambda number=number: live() == [1] and number in catalog.state("sentiment").refused)
    publish(5)
    wait_until(lambda: live()[:1] == [5])


def available(server: EmbeddedServer, model: str) -> list[int]:
    return [each.version for each in server.versions(model, 30) if each.available]


def another_parity(version: Path) -> None:
    contract = without_manifest(version) / "assets.extra" / "contract.json"
    document = json.loads(contract.read_text())
    first, second, *_ = document["parity"]["examples"]
    first["outputs"], second["outputs"] = second["outputs"], first["outputs"]
    carry(version, json.dumps(document))


def without_lite_form(version: Path) -> None:
    contract = without_manifest(version) / "assets.extra" / "contract.json"
    document = json.loads(contract.read_text())
    document["provenance"]["lite"] = {"left_out": "for this test"}
    carry(version, json.dumps(document))


def test_what_is_computed_aside_waits_for_no_slot_and_is_not_counted(serve: Serve, trained: Any) -> None:
    counted: list[str] = []
    server = serve("digits", on_rpc=lambda model, method, code, seconds: counted.append(code))
    server.versions("digits", 30)
    contract = trained["digits"].contract
    features = contract.features([contract.examples[0].instance])
    with server._limits.slot("digits", 1):
        version, outputs = server.aside().predict("digits", 1, features, 0.0)
    assert (version, counted) == (1, [])
    np.testing.assert_allclose(outputs[SCORES][0], contract.examples[0].outputs[SCORES], atol=contract.tolerance)
    with pytest.raises(UnknownVersion):
        server.aside().predict("digits", 2, features, 1.0)
