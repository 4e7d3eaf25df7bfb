import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from serving.commands.capacity import capacity
from serving.commands.gateway_requests import in_model
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.commands.test_verify import served
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer

AUTOSCALER = Path(__file__).parents[3] / "k8s" / "components" / "autoscaling" / "gateway.yaml"
CAPACITY = (Path(__file__).parents[3] / "docs" / "capacity.md").read_text()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(capacity, arguments)


@pytest.mark.parametrize(
    ("arguments", "shown"), re.findall(r"^\$ plumbline capacity (.*)\n((?:(?!\$ |```).*\n)+)", CAPACITY, re.M)
)
def test_the_answer_is_the_one_that_is_documented(
    arguments: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scaledobject.json").write_text(json.dumps(yaml.safe_load(AUTOSCALER.read_text())))

    assert run(*arguments.split()).stdout == shown


def test_models_in_the_gateway_need_no_model_servers() -> None:
    done = run("--rate", "50", "--p99", "0.1s", "--kind", "image", "--in-gateway", "--spare", "0")

    assert done.stdout.splitlines()[1].split()[:4] == ["gateways", "1", "0", "1"]
    assert "model servers" not in done.stdout


def test_an_autoscaler_that_is_no_json_is_refused() -> None:
    done = run("--rate", "3000", "--p99", "50ms", "--autoscaler", str(AUTOSCALER))

    assert "gateway.yaml: expected JSON, as by `kubectl get --output=json`" in done.stderr


def test_the_simulation_is_drawn(tmp_path: Path) -> None:
    done = run("--rate", "20", "--p99", "50ms", "--simulate", "--plot", str(tmp_path / "capacity.png"))

    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "capacity.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    done = run("--rate", "20", "--p99", "50ms", "--simulate", "--plot", str(tmp_path / "capacity.nope"))

    assert "capacity.nope: Format 'nope' is not supported" in done.stderr


def test_a_running_gateway_is_measured_by_its_own_examples(
    model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.capacity.measuring._MEASURED_SECONDS", 0.0)
    model_server.publish(text_contract())
    settings = Settings(model_server=model_server.address, models=("sentiment",), refresh_seconds=0.05)

    with served(create_app(settings)) as url:
        done = run("--rate", "10", "--p99", "30s", "--model", "sentiment", "--measure", url)
        other = run("--rate", "10", "--p99", "30s", "--model", "nobody", "--measure", url)
    gateways, servers = done.stdout.splitlines()[1:3]
    assert float(gateways.split()[-2]) > 0
    assert float(servers.split()[-2]) > 0
    assert "costs: requests measured here" in done.stdout
    assert "nobody" in other.stderr


def test_the_model_s_part_of_a_gateway_s_metrics_is_found() -> None:
    metrics = """\
plumbline_gateway_stage_seconds_count{model="digits",stage="predict"} 9.0
plumbline_gateway_stage_seconds_count{model="sentiment",stage="decode"} 8.0
plumbline_gateway_stage_seconds_count{model="sentiment",stage="predict"} 7.0
plumbline_gateway_stage_seconds_sum{model="sentiment",stage="predict"} 0.5
"""

    assert in_model(metrics, "sentiment") == (0.5, 7)
    assert in_model(metrics, "digits") == (0.0, 9)
    assert in_model(metrics, "d.gits") == (0.0, 0)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--rate", "500", "--p99", "50ms", "--model", "x"), "expected --model NAME and either --measure URL or"),
        (("--rate", "500", "--p99", "50ms", "--measure", "http://127.0.0.1:9"), "expected --model NAME and either"),
        (("--rate", "5", "--p99", "50ms", "--model", "x", "--measure", "ftp://x"), "expected a URL such as"),
        (("--rate", "500", "--p99", "50ms", "--plot", "x.png"), "--plot draws what --simulate does: expected both"),
        (("--rate", "3000", "--p99", "50ms", "--simulate"), "expected at most 5,000/s in the burst"),
        (("--rate", "500", "--p99", "50"), "expected a time such as 50ms or 0.2s, got '50'"),
        (("--rate", "500", "--p99", "0ms"), "expected a time such as 50ms or 0.2s, got '0ms'"),
        (
            ("--rate", "nan", "--p99", "50ms"),
            "expected requests a second, more than 0 and at most 10,000,000, got 'nan'",
        ),
        (("--rate", "0", "--p99", "50ms"), "expected requests a second, more than 0"),
        (("--rate", "1e9", "--p99", "50ms"), "at most 10,000,000, got '1e9'"),
        (("--rate", "500", "--p99", "1ms"), "a p99 of 1 ms can't be had with any number of replicas"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(arguments: tuple[str, ...], problem: str) -> None:
    done = run(*arguments)

    assert done.exit_code != 0
    assert problem in done.stderr
