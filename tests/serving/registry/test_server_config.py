"""The configuration for TensorFlow Serving, read back by the parser of the local server."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from serving.commands.models import models
from serving.contract import Contract
from serving.gateway.settings import Settings
from serving.local_server.config import METRICS_PATH, Configuration
from serving.local_server.flags import Flags
from serving.local_server.server_metrics import BatchingMetrics
from serving.registry import publish
from serving.registry.errors import NotFitToServe
from serving.registry.server_config import MAX_ROWS, batching_parameters, models_config, servable_models
from serving.runtime.batch_scheduler import BatchScheduler
from serving.runtime.batching_parameters import BatchingParameters
from serving.runtime.batching_session import BatchingSession
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.registry.folders import write_version


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    for contract in (tabular_contract(), text_contract()):
        publish_contract(tmp_path / "models", contract)
    return tmp_path / "models"


def publish_contract(models_dir: Path, contract: Contract) -> None:
    publish(models_dir, contract.model, lambda folder: write_version(folder, document=contract.to_json()))


def configured(models_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(models, ["config", *arguments], env={"PLUMBLINE_MODELS": str(models_dir)})


def test_the_files_are_what_the_server_reads(models_dir: Path, tmp_path: Path) -> None:
    result = configured(models_dir, "--output", str(tmp_path / "out"), "--batch-threads", "3")
    assert result.exit_code == 0, result.output

    names = [f"{name}.config" for name in ("models", "batching", "monitoring")]
    assert result.output.splitlines() == [f"wrote {tmp_path / 'out' / name}" for name in names]
    files = [tmp_path / "out" / name for name in names]
    read = Configuration.of(
        Flags(
            enable_batching=True,
            model_config_file=files[0],
            batching_parameters_file=files[1],
            monitoring_config_file=files[2],
        )
    )
    assert {model.name: model.base_path for model in read.models} == {
        "house_price": models_dir / "house_price",
        "sentiment": models_dir / "sentiment",
    }
    assert {model.policy.latest for model in read.models} == {2}
    assert [model.labels for model in read.models] == [{}, {}]  # with labels the server would not start
    assert read.batching is not None
    assert read.batching.num_batch_threads == 3
    assert read.metrics_path == METRICS_PATH


def test_the_server_may_see_the_folder_elsewhere(models_dir: Path, tmp_path: Path) -> None:
    configured(models_dir, "--base-path", "gs://bucket/models/", "--output", str(tmp_path))

    assert '"gs://bucket/models/sentiment"' in (tmp_path / "models.config").read_text()


def test_the_list_alone_is_printed_and_has_only_models_that_are_there(models_dir: Path) -> None:
    (models_dir / "digits").mkdir()  # nothing is published yet
    result = configured(models_dir, "--base-path", "/models", "--output", "-")

    assert result.exit_code == 0
    assert result.stdout == models_config(["house_price", "sentiment"], "/models")


def test_what_the_server_would_refuse_is_refused_first(models_dir: Path, tmp_path: Path) -> None:
    relative = configured(models_dir, "--base-path", "models")
    assert (relative.exit_code, "expected an absolute path or a URI" in relative.output) == (2, True)

    (models_dir / "sentiment" / "1" / "saved_model.pb").unlink()
    broken = configured(models_dir)
    assert (broken.exit_code, broken.output) == (
        1,
        "Error: sentiment: version 1 is not to be served: saved_model.pb is missing\n",
    )

    empty = configured(tmp_path)
    assert (empty.exit_code, "holds no published model" in empty.output) == (1, True)


def read_back(contract: Contract, tmp_path: Path) -> BatchingParameters:
    file = tmp_path / "batching_params.pbtxt"
    file.write_text(batching_parameters(contract))
    flags = Flags(enable_batching=True, batching_parameters_file=file, model_name="m", model_base_path="/m")
    batching = Configuration.of(flags).batching
    assert batching is not None
    return batching


def test_a_row_of_numbers_or_words_is_batched_as_it_comes(tmp_path: Path) -> None:
    for contract in (tabular_contract(), text_contract()):
        read = read_back(contract, tmp_path)
        assert (read.max_batch_size, read.largest_batch, read.allowed_batch_sizes) == (MAX_ROWS, MAX_ROWS, ())
        assert (read.enable_large_batch_splitting, read.batch_timeout_micros) == (True, 0)


def test_pictures_come_in_few_sizes_and_large_ones_in_smaller_batches(tmp_path: Path) -> None:
    large = image_contract(side=224, colour="RGB")

    assert read_back(image_contract(), tmp_path).largest_batch == MAX_ROWS
    read = read_back(large, tmp_path)
    assert (read.largest_batch, read.max_batch_size) == (32, MAX_ROWS)
    assert read.allowed_batch_sizes == (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@pytest.mark.parametrize("side", [1, 32, 64, 96, 224, 512, 2048])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_every_size_are_padded_as_the_server_demands(tmp_path: Path, side: int, mode: str) -> None:
    contract = image_contract(side=side, colour=mode)
    read = read_back(contract, tmp_path)
    assert read.allowed_batch_sizes[-1] == read.max_batch_size == MAX_ROWS
    assert read.largest_batch in read.allowed_batch_sizes, "a full batch is not padded"
    assert sorted(set(read.allowed_batch_sizes)) == list(read.allowed_batch_sizes)


@pytest.mark.parametrize("rows", [1, 3, 65, 130, 512])
def test_pictures_are_answered_in_whatever_number(tmp_path: Path, rows: int) -> None:
    contract = image_contract(side=160, colour="RGB")
    parameters = read_back(contract, tmp_path)
    sizes: list[int] = []

    class Doubling:
        def run(self, feeds: Any, fetches: Any, arrays: Any, deadline: float | None = None) -> Any:
            sizes.append(len(arrays[0]))
            return [arrays[0] * 2]

    session = BatchingSession(Doubling(), BatchScheduler(2, BatchingMetrics()), parameters)
    numbers = np.arange(rows)
    np.testing.assert_array_equal(session.run((), (), [numbers])[0], numbers * 2)
    assert set(sizes) <= set(parameters.allowed_batch_sizes)
    assert max(sizes) <= parameters.largest_batch


def test_the_server_takes_the_largest_request_of_a_gateway() -> None:
    assert Settings().max_instances <= MAX_ROWS


def test_a_model_that_can_not_be_served_hides_no_other(models_dir: Path) -> None:
    (models_dir / "sentiment" / "1" / "saved_model.pb").unlink()
    shutil.copytree(models_dir / "house_price", models_dir / "My Model")

    models, unservable = servable_models(models_dir)

    assert models == ["house_price"]
    assert [str(problem) for problem in unservable] == [
        "My Model: version 1 is not to be served: "
        "expected a model's name of at most 100 small letters, digits, _ and -",
        "sentiment: version 1 is not to be served: saved_model.pb is missing",
    ]


def test_where_none_can_be_served_that_is_an_error(models_dir: Path) -> None:
    for model in ("sentiment", "house_price"):
        (models_dir / model / "1" / "saved_model.pb").unlink()

    with pytest.raises(NotFitToServe, match="house_price: version 1 is not to be served"):
        servable_models(models_dir)
