"""Batching. The model `pick` answers with the size of the batch that each row ran in."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.conformance.client import Client, refused, request, values
from tests.conformance.servers import Launcher

TIMEOUT_MICROS = 1_500_000
PARAMETERS = f"""
max_batch_size {{ value: 8 }}
batch_timeout_micros {{ value: {TIMEOUT_MICROS} }}
max_enqueued_batches {{ value: 1 }}
num_batch_threads {{ value: 2 }}
allowed_batch_sizes: 4
allowed_batch_sizes: 8
"""


@pytest.fixture(scope="module")
def client(launcher: Launcher, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    file = tmp_path_factory.mktemp("batching") / "parameters.txt"
    file.write_text(PARAMETERS)
    flags = ["--enable_batching", f"--batching_parameters_file={file}", "--model_name=pick"]
    with launcher.running(*flags, f"--model_base_path={models_dir}/pick") as server:
        client = Client(server.address.grpc)
        yield client
        client.channel.close()


def ids(rows: int, width: int = 3, value: int = 1) -> Any:
    return np.full((rows, width), value, np.int32)


def begin(client: Client, inputs: Any, outputs: tuple[str, ...] = ()) -> Any:
    message = request("pick", ids=inputs, outputs=outputs)
    return client.predictions.Predict.future(message, timeout=30, wait_for_ready=True)


def test_waiting_requests_run_as_one(client: Client) -> None:
    answers = [begin(client, ids(2, value=number)) for number in range(4)]
    assert [values(answer.result()) for answer in answers] == [
        {"picked": [3.0 * number] * 2, "rows": [8, 8]} for number in range(4)
    ]


def test_a_batch_is_padded_to_an_allowed_size(client: Client) -> None:
    assert values(client.predict("pick", ids=ids(3))) == {"picked": [3.0] * 3, "rows": [4] * 3}


def test_a_request_without_a_deadline(client: Client) -> None:
    assert values(client.predictions.Predict(request("pick", ids=ids(8))))["rows"] == [8] * 8
    assert values(client.predictions.Predict(request("pick", ids=ids(1))))["rows"] == [4]


def test_a_request_larger_than_a_batch_is_refused(client: Client) -> None:
    with refused("INVALID_ARGUMENT", "Task size 9 is larger than maximum input batch size 8"):
        client.predict("pick", ids=ids(9))


@pytest.mark.parametrize(
    ("inputs", "text"),
    [(np.int32(1), "Batching Run() input tensors must have at least one dimension")],
)
def test_inputs_that_do_not_batch(client: Client, inputs: Any, text: str) -> None:
    with refused("INVALID_ARGUMENT", text):
        client.predict("pick", ids=inputs)


def test_a_full_queue_refuses(client: Client) -> None:
    waiting = [begin(client, ids(5)) for _ in range(2)]  # only one of them has room in the one batch
    refusals = [answer for answer in waiting if answer.exception() is not None]
    assert [answer.code() for answer in refusals] == [grpc.StatusCode.UNAVAILABLE]
    assert refusals[0].details() == (
        "The batch scheduling queue to which this task was submitted is full; currently 1 batches enqueued and "
        "max_enqueued_batches is 1"
    )


def test_filters_do_not_share_a_batch(client: Client) -> None:
    answers = [begin(client, ids(4), outputs) for outputs in (("rows",), ("rows", "picked"))]
    assert [values(answer.result())["rows"] for answer in answers] == [[4] * 4, [4] * 4]


@pytest.mark.better_than_real
def test_shapes_do_not_share_a_batch(client: Client) -> None:
    answers = [begin(client, ids(2, width)) for width in (3, 5)]
    assert [values(answer.result())["picked"] for answer in answers] == [[3.0] * 2, [5.0] * 2]


@pytest.mark.better_than_real
def test_a_bad_request_fails_alone(client: Client) -> None:
    good, bad = begin(client, ids(4)), begin(client, ids(4, value=10))
    assert values(good.result())["picked"] == [3.0] * 4
    with refused("INVALID_ARGUMENT"):
        bad.result()


@pytest.mark.better_than_real
def test_no_rows_do_not_wait_for_company(client: Client) -> None:
    assert values(client.predict("pick", ids=ids(0)))["picked"] == []


def test_each_version_may_say_how_it_is_batched(launcher: Launcher, models_dir: Path, tmp_path: Path) -> None:
    names = ("batched", "alone")
    for name in names:
        shutil.copytree(models_dir / "pick" / "1", tmp_path / name / "1")
    (tmp_path / "batched" / "1" / "batching_params.pbtxt").write_text(
        "max_batch_size { value: 8 } allowed_batch_sizes: 8"
    )
    entries = (f'config {{ name: "{n}" base_path: "{tmp_path}/{n}" model_platform: "tensorflow" }}' for n in names)
    (tmp_path / "models.config").write_text(f"model_config_list {{ {' '.join(entries)} }}")
    (tmp_path / "pool.config").write_text("num_batch_threads { value: 2 } max_batch_size { value: 1 }")
    flags = [
        "--enable_batching",
        "--enable_per_model_batching_parameters",
        f"--model_config_file={tmp_path}/models.config",
    ]

    with launcher.running(*flags, f"--batching_parameters_file={tmp_path}/pool.config") as server:
        client = Client(server.address.grpc)
        assert values(client.predict("batched", ids=ids(3)))["rows"] == [8] * 3
        with refused("INVALID_ARGUMENT", "Task size 9 is larger than maximum input batch size 8"):
            client.predict("batched", ids=ids(9))
        assert values(client.predict("alone", ids=ids(9)))["rows"] == [9] * 9
        client.channel.close()


@pytest.mark.parametrize("sizes", ["", "32 64 512"], ids=["as they come", "padded"])
def test_large_requests_are_split(launcher: Launcher, models_dir: Path, tmp_path: Path, sizes: str) -> None:
    lines = [f"allowed_batch_sizes: {size}" for size in sizes.split()]
    lines += ["max_batch_size { value: 512 }", "max_execution_batch_size { value: 64 }"]
    (tmp_path / "parameters").write_text("\n".join([*lines, "enable_large_batch_splitting { value: true }"]))
    flags = ["--enable_batching", f"--batching_parameters_file={tmp_path}/parameters", "--model_name=pick"]
    with launcher.running(*flags, f"--model_base_path={models_dir}/pick") as server:
        client = Client(server.address.grpc)
        for rows in (65, 130, 512):
            answer = values(client.predict("pick", ids=ids(rows)))
            assert answer["picked"] == [3.0] * rows
            assert max(answer["rows"]) == 64
        with refused("INVALID_ARGUMENT", "Task size 513 is larger than maximum input batch size 512"):
            client.predict("pick", ids=ids(513))
        client.channel.close()


def test_the_time_in_the_queue_is_told_under_no_pools_name(
    launcher: Launcher, models_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "parameters").write_text('thread_pool_name { value: "mine" }')
    (tmp_path / "monitoring").write_text("prometheus_config { enable: true }")
    flags = ["--enable_batching", f"--batching_parameters_file={tmp_path}/parameters", "--model_name=pick"]
    flags += [f"--model_base_path={models_dir}/pick", f"--monitoring_config_file={tmp_path}/monitoring"]
    with launcher.running(*flags) as server:
        client = Client(server.address.grpc)
        client.predict("pick", ids=ids(1))
        text = server.address.ask("GET", "/monitoring/prometheus/metrics")[1]
        assert ':tensorflow:serving:batching_session:queuing_latency_count{thread_pool_name=""} 1' in text
        client.channel.close()
