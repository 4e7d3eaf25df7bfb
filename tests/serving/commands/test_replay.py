"""`plumbline replay`: captures in a folder, answered by two versions here or by a gateway."""

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from click.testing import CliRunner, Result

from serving.captures import CAPTURES, FEEDBACK, Capture, Failure, PartName, write_part
from serving.commands.gateway_client import GatewayClient
from serving.commands.replay import replay
from serving.contract import Contract
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from serving.model_servers import connect
from serving.truth.feedback import Feedback
from tests.serving.batch.instant import InstantServer
from tests.serving.contracts import answers, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served

TIME = datetime(2026, 11, 29, 10, tzinfo=UTC)
HOUSES = [{"rooms": 4.0 + number % 5, "age": 10.0 + 7 * number} for number in range(40)]


def house(weights: int) -> Contract:
    return tabular_contract(weights=weights)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions 1 to 3 of `house_price` and of `sentiment` in any models folder."""

    def one_version(models_dir: Path, model: str, version: int | None) -> InstantServer:
        number = version or 3
        contract = house(number) if model == "house_price" else text_contract(weights=number)
        return InstantServer(contract, number, number)

    monkeypatch.setattr(connect, "one_version", one_version)


def captured(instance: Any, number: int, model: str = "house_price", **more: Any) -> Capture:
    time = TIME + timedelta(seconds=number)
    capture = Capture(time=time, request_id=f"r{number}", index=0, model=model, version=1, instance=instance, answer={})
    return replace(capture, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What version 1 was asked and answered."""
    made = answers(house(1), HOUSES, 1)
    lines = [captured(it, number, answer=made[number]).to_json() for number, it in enumerate(HOUSES)]
    write_part(tmp_path / "captures", PartName.new("house_price", CAPTURES, TIME), lines)
    return tmp_path / "captures"


def add(folder: Path, *captures: Capture, model: str = "house_price") -> str:
    """Write another part; return its place as errors have it."""
    name = PartName.new(model, CAPTURES, TIME + timedelta(minutes=5))
    return str(write_part(folder, name, [capture.to_json() for capture in captures]))


def run(folder: Path, *options: str, model: str = "house_price", versions: str = "1,2") -> Result:
    return CliRunner().invoke(replay, [str(folder), "--model", model, "--versions", versions, *options])


@pytest.mark.usefixtures("versions")
def test_both_versions_answer_what_was_captured(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "differences.jsonl"
    expected = {version: answers(house(version), HOUSES, version) for version in (1, 2)}

    told = run(folder, "--output", str(output), "--json")

    report = json.loads(told.stdout)
    assert told.exit_code == 0, told.output
    assert (report["versions"], report["instances"], report["rejected"]) == ([1, 2], 40, {})
    assert report["reproduced"] == {
        "1": {"value": 1.0, "interval": [pytest.approx(0.912, abs=1e-3), 1.0], "instances": 40}
    }
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(lines) == round(40 * (1 - report["agreement"]["value"])) > 30
    for line in lines:
        number = int(line["request_id"][1:])
        assert line["instance"] == HOUSES[number]
        assert line["answers"] == {"1": expected[1][number], "2": expected[2][number]}
    text = run(folder).stdout
    assert "house_price: versions 1 and 2 on 40 captured instances" in text
    assert "as version 1 answered then: 100.00% (91.24% to 100.00%)" in text
    assert "version 2 less version 1" in text
    assert "truth: known of none of them (0 truths were read)" in text


@pytest.mark.usefixtures("versions")
def test_the_latest_truth_decides_and_the_exit_code_tells_of_a_worse_version(folder: Path) -> None:
    made = answers(house(1), HOUSES, 1)
    name = PartName.new("house_price", FEEDBACK, TIME + timedelta(hours=1))

    def feedback(number: int, truth: float, hours: int) -> str:
        time = TIME + timedelta(hours=hours)
        return (
            Feedback(time=time, request_id=f"r{number}", index=0, model="house_price", truth=truth).to_json().decode()
        )

    wrong = [feedback(number, 99.0, 1) for number in range(40)]
    right = [feedback(number, made[number]["value"], 2) for number in range(40)]
    write_part(folder, name, [*right, *wrong])  # a correction that stands before what it corrects

    told = run(folder)

    assert told.exit_code == 3, told.output
    assert "truth: known of 40" in told.stdout
    assert "version 2 is worse than version 1, by more than chance explains" in told.stdout
    assert run(folder, versions="2,1").exit_code == 0


@pytest.mark.usefixtures("versions")
def test_what_only_one_takes_is_counted_and_what_failed_then_is_asked_too(folder: Path) -> None:
    failed = captured({"rooms": 5.0, "age": 1.0}, 100, version=None, answer=None, status=503, error=Failure(code="x"))
    place = add(folder, failed, captured({"rooms": "five", "age": 1.0}, 101))

    told = run(folder)

    assert "on 41 captured instances" in told.stdout
    assert "not answered by version 1 and 2: 1" in told.stdout
    assert f"not answered: {place}: line 2: version 1 and 2: rooms: expected a number, got 'five'" in told.stderr


@pytest.mark.usefixtures("versions")
def test_captures_in_an_object_store_are_replayed_as_those_in_a_folder(folder: Path, bucket: str) -> None:
    fsspec.filesystem("s3").put(f"{folder}/", f"{bucket}/", recursive=True)

    told = CliRunner().invoke(replay, [bucket, "--model", "house_price", "--versions", "1,2"])

    assert (told.exit_code, told.stdout) == (0, run(folder).stdout)


@pytest.mark.usefixtures("versions")
def test_only_a_time_is_replayed(folder: Path) -> None:
    told = run(folder, "--since", "2026-11-29T10:00:10", "--until", "2026-11-29T10:00:20")

    assert "on 10 captured instances" in told.stdout
    assert "on 3 captured instances" in run(folder, "--limit", "3").stdout


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("instance", "problem"),
    [
        ({"text": "hmac-sha256:ab12"}, "only the hash of its value was captured"),
        ({}, "its value was not captured: the contract says 'drop'"),
    ],
)
def test_private_values_can_not_be_replayed(folder: Path, instance: Any, problem: str) -> None:
    place = add(
        folder, captured({"text": "fine"}, 0, "sentiment"), captured(instance, 1, "sentiment"), model="sentiment"
    )

    told = run(folder, model="sentiment")

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.startswith(f"Error: {place}: line 2: field 'text' can't be answered again, since {problem}; ")


@pytest.mark.usefixtures("versions")
def test_failed_requests_that_lack_private_values_are_left_out(folder: Path) -> None:
    failed = captured({}, 1, "sentiment", version=None, answer=None, status=422, error=Failure(code="x"))
    add(folder, captured({"text": "fine"}, 0, "sentiment"), failed, model="sentiment")

    assert "on 1 captured instances" in run(folder, model="sentiment").stdout


@pytest.mark.usefixtures("versions")
def test_what_can_not_be_read_is_named_with_its_line(folder: Path) -> None:
    place = Path(add(folder, captured(HOUSES[0], 1)))
    place.write_bytes(place.read_bytes() + gzip.compress(b"{\n"))

    told = run(folder)

    assert (told.exit_code, told.stderr) == (2, f"Error: {place}: line 2: expected an object of JSON\n")


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (("--versions", "1"), 2, "expected two versions, such as 4,5, got '1'"),
        (("--versions", "1,1"), 2, "expected two versions, such as 4,5, got '1,1'"),
        (("--versions", "1,x"), 2, "expected two versions, such as 4,5, got '1,x'"),
        (("--since", "2027-01-01"), 2, "expected captures of house_price in that time, found none"),
        (("--url", "http://127.0.0.1:9"), 75, "no gateway answers at http://127.0.0.1:9"),
    ],
)
@pytest.mark.usefixtures("versions")
def test_what_is_asked_for_in_vain(folder: Path, options: tuple[str, ...], code: int, problem: str) -> None:
    told = run(folder, *options)

    assert (told.exit_code, told.stdout) == (code, "")
    assert problem in told.stderr


def test_a_version_that_there_is_not_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / "house_price").mkdir(parents=True)

    told = run(folder, "--models-dir", str(tmp_path / "models"))

    assert told.exit_code == 2
    assert "models holds no model 'house_price'" in told.stderr


@pytest.fixture
def gateway(model_server: FakeModelServer) -> Iterator[str]:
    for version in (1, 2):
        model_server.publish(house(version), version, weights=version)
    app = create_app(Settings(model_server=model_server.address, models=("house_price",), refresh_seconds=0.05))
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        yield url


def test_a_gateway_that_has_both_gives_the_same_report(folder: Path, gateway: str) -> None:
    add(folder, captured({"rooms": "five", "age": 1.0}, 101))

    told = run(folder, "--url", gateway, "--json")

    report = json.loads(told.stdout)
    assert (report["instances"], report["rejected"]) == (40, {"1 and 2": 1})
    assert report["reproduced"]["1"]["value"] == 1.0


@pytest.mark.usefixtures("versions")
def test_what_a_gateway_captured_is_replayed(model_server: FakeModelServer, tmp_path: Path) -> None:
    model_server.publish(house(1), 1, weights=1)
    settings = Settings(
        model_server=model_server.address,
        models=("house_price",),
        capture=str(tmp_path / "captures"),
        refresh_seconds=3600,
    )
    with served(create_app(settings)) as url:
        client = GatewayClient(url)
        for first in range(0, 40, 8):
            client.post("/predict/house_price", {"instances": HOUSES[first : first + 8]})

    told = run(tmp_path / "captures", "--json")

    report = json.loads(told.stdout)
    assert (report["instances"], report["reproduced"]["1"]["value"]) == (40, 1.0)


def test_versions_of_a_models_folder_need_not_be_live(folder: Path, tmp_path: Path) -> None:
    from tests.serving.saved_models import write_saved_model  # brings TensorFlow

    for number in (1, 2):
        path = tmp_path / "models" / "house_price" / str(number)
        write_saved_model(path, house(number), house(number).to_json(), number)
    shutil.copytree(tmp_path / "models" / "house_price" / "2", tmp_path / "models" / "house_price" / "3")

    told = run(folder, "--models-dir", str(tmp_path / "models"), "--json")

    report = json.loads(told.stdout)
    assert (report["instances"], report["reproduced"]["1"]["value"]) == (40, 1.0)
    assert 0 <= report["agreement"]["value"] < 0.3
