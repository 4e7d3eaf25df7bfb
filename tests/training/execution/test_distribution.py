import json
import re
import subprocess
import sys

import pytest
import tensorflow as tf

from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from serving.registry import scan
from tests.stack import free_port
from training.errors import BadRequest
from training.execution.distribution import WorkerLost, detecting_lost_workers, strategy

COMMAND = ["train", "house_price", "--recipe", "baseline", "--sample", "--no-compare", "--set", "epochs=3"]


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Two workers of one job on this machine: their folder and their outputs."""
    folder = tmp_path_factory.mktemp("workers")
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "serving", *COMMAND, "--protocol", "holdout"],
                cwd=folder,
                env={"TF_CONFIG": json.dumps(config), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    ends = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    return folder, [output for output, _ in ends]


def test_workers_end_with_equal_weights_and_publish_once(workers):
    folder, (chief, other) = workers
    (version,) = scan(folder / "models" / "house_price").values()
    contract = Contract.from_json((version / "assets.extra/contract.json").read_bytes())
    (weights,) = re.findall("trained weights ([0-9a-f]{64}); the chief publishes", other)

    assert contract.provenance["weights_sha256"] == weights
    assert "published models/house_price/1" in chief
    assert "published" not in other
    assert len(list((folder / "reports" / "house_price").iterdir())) == 1


def test_workers_learn_the_same_at_each_epoch(workers):
    _, (chief, other) = workers

    assert re.findall("loss.*mae [0-9.]+", chief) == re.findall("loss.*mae [0-9.]+", other) != []


def test_a_lost_worker_ends_with_the_code_for_another_try():
    with (
        pytest.raises(WorkerLost, match="start all workers again to resume: it stopped") as raised,
        detecting_lost_workers(),
    ):
        raise tf.errors.UnavailableError(None, None, "it stopped")

    assert raised.value.exit_code == ExitCode.RETRY


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cluster": {}}', '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}']
)
def test_a_bad_tf_config_is_refused_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)

    with pytest.raises(BadRequest, match=r"TF_CONFIG must be like .*host0:2222"):
        strategy()
