"""Killed at any moment and given again, a run ends with the same bytes."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.batch.errors import Unfinished
from serving.batch.jobs.scoring_job import merge_shards
from tests.serving.batch.conftest import done, houses, texts, write_csv, write_jsonl
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, in_a_process

ROOT = Path(__file__).parents[3]


def test_killed_before_each_change_to_the_disc(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.serving.batch.killing", str(tmp_path)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("killed before each of") == 2


@pytest.mark.parametrize(("processes", "kills"), [(1, 5), (2, 3)])
def test_killed_at_random_moments(tmp_path: Path, processes: int, kills: int) -> None:
    rows = [{"text": text} for text in texts(3000)]
    rows[17] = rows[2500] = {"text": ""}
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    options = {"batch_rows": 10, "part_rows": 100}
    done(tmp_path, text_contract(), [source], "expected.jsonl", **options)
    with in_a_process(delay_seconds=0.004) as (address, _):
        command = _command(source, tmp_path / "out.jsonl", address, processes)
        random.seed(processes)
        killed = 0
        for _ in range(40 * kills):
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            begun = (tmp_path / "out.jsonl.manifest.json").exists()
            _wait_for_more_parts(process, tmp_path / "out.jsonl.parts", begun)
            time.sleep(random.random() * 0.1)
            process.kill()
            killed += process.wait() == -signal.SIGKILL
            if killed == kills or process.returncode == 0:
                break
        assert killed == kills
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for suffix in ("", ".rejects.jsonl"):
        assert _read(tmp_path / f"out.jsonl{suffix}") == _read(tmp_path / f"expected.jsonl{suffix}")


def test_told_to_stop_it_finishes_the_part_under_way(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(2000)])
    done(tmp_path, text_contract(), [source], "expected.jsonl", batch_rows=10, part_rows=100)
    with in_a_process(delay_seconds=0.02) as (address, _):
        command = _command(source, tmp_path / "out.jsonl", address, 1)
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _wait_for_more_parts(process, tmp_path / "out.jsonl.parts", False)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
        assert (process.returncode, "stopping once the part under way is finished" in said) == (75, True), said
        assert not list((tmp_path / "out.jsonl.parts").glob("*.tmp"))
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert _read(tmp_path / "out.jsonl") == _read(tmp_path / "expected.jsonl")


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(3000)])
    with in_a_process(delay_seconds=0.02) as (address, _):
        command = _command(source, tmp_path / "out.jsonl", address, 2)
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _wait_for_more_parts(process, tmp_path / "out.jsonl.parts", False)
        children = _children(process.pid)
        assert children
        process.kill()
        process.wait()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_shards_of_which_one_is_killed(tmp_path: Path, model_server: FakeModelServer) -> None:
    """Three processes at a time, the second of which dies and comes again; one shard is done twice."""
    model_server.publish(tabular_contract())
    model_server.delay_seconds = 0.1
    source = write_csv(tmp_path / "in.csv", houses(1500))
    done(tmp_path, tabular_contract(), [source], "expected.parquet", batch_rows=10, part_rows=50, id_column="age")
    command = [*_command(source, tmp_path / "out.parquet", model_server.address, 1, "house_price", 50)]
    command += ["--id-column", "age", "--shard"]
    shards = [subprocess.Popen([*command, f"{index}/3"], cwd=ROOT, stdout=subprocess.DEVNULL) for index in (2, 1, 0)]
    _wait_for_more_parts(shards[1], tmp_path / "out.parquet.parts", False, "000000-00000001.*.rows")
    shards[1].kill()
    assert [shard.wait(180) for shard in shards] == [0, -signal.SIGKILL, 0]
    with pytest.raises(Unfinished, match="pieces are missing"):
        merge_shards(str(tmp_path / "out.parquet"), None)
    model_server.delay_seconds = 0
    again = [subprocess.Popen([*command, f"{index}/3"], cwd=ROOT, stdout=subprocess.DEVNULL) for index in (1, 0)]
    assert [shard.wait(180) for shard in again] == [0, 0]
    for _ in range(2):
        merge_shards(str(tmp_path / "out.parquet"), None)
    assert _read(tmp_path / "out.parquet") == _read(tmp_path / "expected.parquet")
    assert not (tmp_path / "out.parquet.parts").exists()


def _command(
    source: Path, output: Path, address: str, processes: int, model: str = "sentiment", part_rows: int = 100
) -> list[str]:
    options = {"model": model, "output": output, "model-server": address, "processes": processes}
    options |= {"batch-rows": 10, "part-rows": part_rows}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "serving", "score", str(source), *arguments]


def _wait_for_more_parts(
    process: "subprocess.Popen[str] | subprocess.Popen[bytes]", parts: Path, begun: bool, pattern: str = "*"
) -> None:
    """Wait until a run is at work: it has made a part, or has been running for as long as that may take."""
    before = len(list(parts.glob(pattern))) if begun else 0
    deadline = time.monotonic() + 120
    while process.poll() is None and len(list(parts.glob(pattern))) <= before and time.monotonic() < deadline:
        time.sleep(0.005)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _read(path: Path) -> bytes:
    return path.read_bytes()
