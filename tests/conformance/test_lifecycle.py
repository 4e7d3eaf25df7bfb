"""Versions, configurations and labels, while a server runs. One server serves all tests; each has models of its own."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.errors import UnknownLabel
from serving.tfserving.client import ModelServerClient
from tests.conformance.client import FOUR, Client, refused, request, values
from tests.conformance.models import write_mlp
from tests.conformance.servers import Launcher, ServerProcess, wait_for

Copy = Callable[[str, Path, int], Path]
FLAGS = ("--file_system_poll_wait_seconds=1", "--max_num_load_retries=0", "--load_retry_interval_micros=0")


def config(*models: dict[str, Any]) -> Any:
    """Make a ModelServerConfig; each model is a dict of ModelConfig's fields."""
    result = model_server_config_pb2.ModelServerConfig()
    result.model_config_list.SetInParent()
    for fields in models:
        result.model_config_list.config.add(**{"model_platform": "tensorflow", **fields})
    return result


def entry(folder: Path, **fields: Any) -> dict[str, Any]:
    return {"name": folder.name, "base_path": str(folder), **fields}


@pytest.fixture(scope="module")
def server(launcher: Launcher, models_dir: Path) -> Iterator[ServerProcess]:
    with launcher.running("--model_name=echo", f"--model_base_path={models_dir}/echo", *FLAGS) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    client = Client(server.address.grpc)
    yield client
    client.reload(config())
    client.channel.close()


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give the folder of a model that is named after the test, so that no two tests share a history."""
    return tmp_path / request.node.name.partition("[")[0]


def test_roll_over_under_load_fails_no_request(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    answers: list[tuple[int, float]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = client.predict(model.name, features=FOUR)
            answers.append((answer.model_spec.version.value, answer.outputs["sum"].float_val[0]))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        copy_version("mlp/2", model, 2)
        client.await_states(model.name, v1="END", v2="AVAILABLE")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(answers) == {(1, 4.0), (2, 8.0)}
    assert answers[-1] == (2, 8.0)


def test_states_after_a_roll_over(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    copy_version("mlp/2", model, 2)
    client.await_states(model.name, v1="END", v2="AVAILABLE")
    statuses = client.status(model.name).model_version_status
    assert [(each.version, each.state, each.status.error_code) for each in statuses] == [(2, 30, 0), (1, 50, 0)]
    with refused("NOT_FOUND", f"Servable not found for request: Specific({model.name}, 1)"):
        client.send(request(model.name, version=1, features=FOUR))


def test_a_running_request_outlives_its_version(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("busy/1", model, 1)
    client.reload(config(entry(model)))
    steps = 1_000_000  # some seconds
    running = client.predictions.Predict.future(request(model.name, steps=np.array([steps], np.int32)), timeout=60)
    copy_version("busy/1", model, 2)
    # It answers at once. That it is AVAILABLE the original tells only when the requests under way have ended.
    wait_for(lambda: _newest_of_busy(client, model) == 2, "the second version answers")
    assert not running.done(), "too few steps for this machine"
    assert values(running.result())["done"] == [steps]
    assert running.result().model_spec.version.value == 1
    client.await_states(model.name, v1="END", v2="AVAILABLE")


def _newest_of_busy(client: Client, model: Path) -> int:
    return client.predict(model.name, steps=np.zeros(1, np.int32)).model_spec.version.value


@pytest.mark.better_than_real
def test_a_slow_request_does_not_hold_back_the_state_of_what_is_loaded(
    client: Client, model: Path, copy_version: Copy
) -> None:
    other = model.parent / "slow"
    copy_version("mlp/1", model, 1)
    copy_version("busy/1", other, 1)
    client.reload(config(entry(model), entry(other)))
    running = client.predictions.Predict.future(request("slow", steps=np.array([1_000_000], np.int32)), timeout=60)
    copy_version("mlp/2", model, 2)
    client.await_states(model.name, v2="AVAILABLE")
    assert not running.done(), "too few steps for this machine"
    running.result()


def test_a_failing_load_is_loading_until_the_last_retry(launcher: Launcher, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    flags = ["--max_num_load_retries=1", "--load_retry_interval_micros=3000000"]
    with launcher.running(f"--model_name={model.name}", f"--model_base_path={model}", *flags) as server:
        client = Client(server.address.grpc)
        (model / "2").mkdir()
        client.await_states(model.name, v2="LOADING")
        time.sleep(1)  # the first try has failed
        status = client.status(model.name, 2).model_version_status[0]
        assert (status.state, status.status.error_code, status.status.error_message) == (20, 0, "")
        assert client.predict(model.name, features=FOUR).model_spec.version.value == 1
        client.await_states(model.name, v1="AVAILABLE", v2="END")
        status = client.status(model.name, 2).model_version_status[0].status
        assert status.error_code == grpc.StatusCode.NOT_FOUND.value[0]
        assert "does not appear to contain a SavedModel" in status.error_message
        client.channel.close()


@pytest.mark.parametrize(
    ("breakage", "code"),
    [(lambda path: path.unlink(), 5), (lambda path: path.write_bytes(b"garbage"), 11)],
    ids=["missing", "garbage"],
)
def test_a_failed_version_leaves_the_old_one_serving(
    client: Client, tmp_path: Path, copy_version: Copy, breakage: Callable[[Path], Any], code: int
) -> None:
    model = tmp_path / f"failed_{code}"
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    broken = copy_version("mlp/2", tmp_path / "aside", 4)
    breakage(broken / "saved_model.pb")
    broken.rename(model / "4")
    client.await_states(model.name, v4="END", v1="AVAILABLE")
    assert client.status(model.name, 4).model_version_status[0].status.error_code == code
    assert client.predict(model.name, features=FOUR).model_spec.version.value == 1


@pytest.mark.better_than_real
def test_a_repaired_version_is_loaded(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    (model / "4").mkdir()
    client.await_states(model.name, v4="END")
    (model / "4").rmdir()
    copy_version("mlp/2", model, 5)
    client.await_states(model.name, v5="AVAILABLE", v1="END")
    shutil.rmtree(model / "5")
    copy_version("mlp/2", model, 4)
    client.await_states(model.name, v4="AVAILABLE", v5="END")


def test_names_that_are_not_whole_numbers_are_no_versions(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 7).rename(model / "0007")
    for name in ("abc", "8.tmp", "9x"):
        (model / name).mkdir()
    client.reload(config(entry(model)))
    assert client.states(model.name) == {7: "AVAILABLE"}


def test_without_any_version_the_old_ones_are_unloaded(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    shutil.rmtree(model / "1")
    client.await_states(model.name, v1="END")
    with refused("NOT_FOUND", f"Servable not found for request: Latest({model.name})"):
        client.predict(model.name, features=FOUR)


def test_without_its_folder_a_model_serves_on(launcher: Launcher, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    # A server of its own: while a folder is missing, the original looks for no other model's versions either.
    with launcher.running(f"--model_name={model.name}", f"--model_base_path={model}", *FLAGS) as server:
        client = Client(server.address.grpc)
        model.rename(model.with_suffix(".away"))
        time.sleep(2.5)  # it has looked for the folder
        assert client.states(model.name) == {1: "AVAILABLE"}
        assert client.predict(model.name, features=FOUR).model_spec.version.value == 1
        client.channel.close()


@pytest.mark.better_than_real  # where the call hangs until its deadline, and every later one with it
def test_a_missing_folder_does_not_hold_up_a_reload(client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    model.rename(model.with_suffix(".away"))
    other = copy_version("mlp/1", model.parent / "other", 1).parent
    client.reload(config(entry(model), entry(other)))
    assert client.states(model.name) == {1: "AVAILABLE"}
    assert client.predict(model.name, features=FOUR).model_spec.version.value == 1


@pytest.mark.better_than_real
def test_a_missing_folder_does_not_hold_up_other_models(client: Client, model: Path, copy_version: Copy) -> None:
    other = model.parent / f"{model.name}_other"
    copy_version("mlp/1", model, 1)
    copy_version("mlp/1", other, 1)
    client.reload(config(entry(model), entry(other)))
    model.rename(model.with_suffix(".away"))
    copy_version("mlp/2", other, 2)
    client.await_states(other.name, v2="AVAILABLE")


def test_policies(client: Client, model: Path, copy_version: Copy) -> None:
    for number in (1, 2, 5):
        copy_version("mlp/1", model, number)

    def follow(policy: dict[str, Any]) -> None:
        client.reload(config(entry(model, model_version_policy=policy)))

    follow({"specific": {"versions": [1, 5, 99]}})
    client.await_states(model.name, v1="AVAILABLE", v5="AVAILABLE")
    assert 2 not in client.states(model.name)
    follow({"all": {}})
    client.await_states(model.name, v1="AVAILABLE", v2="AVAILABLE", v5="AVAILABLE")
    follow({"latest": {"num_versions": 2}})
    client.await_states(model.name, v1="END", v2="AVAILABLE", v5="AVAILABLE")
    follow({"specific": {"versions": [99]}})
    client.await_states(model.name, v2="END", v5="END")


def test_reload_replaces_the_whole_configuration(client: Client, model: Path, copy_version: Copy) -> None:
    first, second = model.with_suffix(".first"), model.with_suffix(".second")
    copy_version("mlp/1", first, 1)
    copy_version("mlp/1", second, 1)
    assert client.reload(config(entry(first))).status.error_code == 0
    client.reload(config(entry(second)))
    assert client.predict(second.name, features=FOUR).model_spec.name == second.name
    client.await_states(first.name, v1="END")
    client.reload(config(entry(first)))
    assert client.predict(first.name, features=FOUR).model_spec.name == first.name


MLP = {"name": "rel", "base_path": "/nowhere"}


@pytest.mark.parametrize(
    ("models", "code", "text"),
    [
        ([MLP, MLP], "INVALID_ARGUMENT", "Illegal to list model rel multiple times in config list"),
        (
            [{**MLP, "base_path": "rel/path"}],
            "INVALID_ARGUMENT",
            "Expected model rel to have an absolute path or URI; got base_path()=rel/path",
        ),
        (
            [{**MLP, "model_platform": "foo"}],
            "INVALID_ARGUMENT",
            "Model rel requests unsupported platform foo",
        ),
        (
            [{**MLP, "model_platform": ""}],
            "INVALID_ARGUMENT",
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform, model name is rel",
        ),
        ([{**MLP, "logging_config": {}}], "INVALID_ARGUMENT", "No request-logger-creator provided."),
    ],
)
@pytest.mark.better_than_real  # the original refuses alike, but afterwards some of these spoil every later reload
def test_a_bad_configuration_changes_nothing(
    client: Client, tmp_path: Path, copy_version: Copy, models: list[Any], code: str, text: str
) -> None:
    good = tmp_path / "good"
    copy_version("mlp/1", good, 1)
    client.reload(config(entry(good)))
    with refused(code, text):
        client.reload(config(*models))
    assert client.predict("good", features=FOUR).model_spec.version.value == 1
    client.reload(config(entry(good)))


def test_a_new_model_that_can_not_load(client: Client, model: Path) -> None:
    (model / "1").mkdir(parents=True)
    with pytest.raises(grpc.RpcError) as caught:
        client.reload(config(entry(model)))
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    expected = f"1 model(s) did not become available: {{{{{{name: {model.name} version: 1}} due to error: "
    assert caught.value.details().startswith(expected)


@pytest.mark.better_than_real
def test_waiting_for_a_new_model_holds_up_no_other_reload(client: Client, model: Path, copy_version: Copy) -> None:
    with refused("DEADLINE_EXCEEDED"):
        client.reload(config(entry(model)), timeout=0.3)
    other = model.parent / f"{model.name}_other"
    copy_version("mlp/1", other, 1)
    client.reload(config(entry(other)), timeout=20)
    assert client.predict(other.name, features=FOUR).model_spec.version.value == 1


def test_labels(server: ServerProcess, client: Client, model: Path, copy_version: Copy) -> None:
    copy_version("mlp/1", model, 1)
    copy_version("mlp/2", model, 2)
    policy = {"specific": {"versions": [1, 2]}}

    def label(**labels: int) -> None:
        client.reload(config(entry(model, model_version_policy=policy, version_labels=labels)))

    def ask(label: str) -> int:
        return client.send(request(model.name, label=label, features=FOUR)).model_spec.version.value

    label()
    client.await_states(model.name, v1="AVAILABLE", v2="AVAILABLE")
    label(stable=1, canary=2)
    assert (ask("stable"), ask("canary")) == (1, 2)
    unavailable = f"Request to assign label to version 9 of model {model.name}, which is not currently available"
    with refused("FAILED_PRECONDITION", f"{unavailable} for inference"):
        label(stable=9)
    assert (ask("stable"), ask("canary")) == (1, 2), "after a failure the old labels stay"
    ours = ModelServerClient(server.address.grpc)
    assert (ours.labelled(model.name, "stable", 5), ours.labelled(model.name, "canary", 5)) == (1, 2)
    label(stable=2)
    assert ask("stable") == ours.labelled(model.name, "stable", 5) == 2
    with pytest.raises(UnknownLabel):
        ours.labelled(model.name, "canary", 5)
    ours.close()
    with refused("INVALID_ARGUMENT", "Unrecognized servable version label: canary"):
        ask("canary")


def _write_warmup(version: Path, *messages: Any) -> None:
    folder = version / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for message in messages:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(message)
            writer.write(log.SerializeToString())


@pytest.mark.parametrize(("signature", "state"), [("serving_default", "AVAILABLE"), ("nope", "END")])
def test_warm_up_decides_about_the_load(
    client: Client, tmp_path: Path, copy_version: Copy, signature: str, state: str
) -> None:
    model = tmp_path / f"warm_{signature}"
    copy_version("mlp/1", model, 1)
    client.reload(config(entry(model)))
    write_mlp(tmp_path / "aside", scale=3.0)
    _write_warmup(tmp_path / "aside", request("whatever", signature=signature, features=FOUR))
    (tmp_path / "aside").rename(model / "2")
    client.await_states(model.name, v2=state)


def test_warm_up_that_is_no_record_file_fails_the_load(client: Client, model: Path, copy_version: Copy) -> None:
    version = copy_version("mlp/1", model.parent / "aside", 1)
    (version / "assets.extra").mkdir()
    (version / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"not a TFRecord, but long enough")
    version.parent.rename(model)
    with refused("UNKNOWN"):
        client.reload(config(entry(model)))
    status = client.status(model.name).model_version_status[0].status
    assert status.error_code == grpc.StatusCode.DATA_LOSS.value[0]
    assert "corrupted record at 0 (Is this even a TFRecord file?)" in status.error_message
