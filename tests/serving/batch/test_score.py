"""The command, against a model server on a real socket."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.batch.errors import BadInput
from serving.batch.jobs.scoring_job import Job, start
from serving.batch.jobs.scoring_job import score as do_job
from tests.serving.batch.conftest import Command, houses, read_jsonl, texts, write_csv, write_jsonl
from tests.serving.batch.instant import InstantServer
from tests.serving.contracts import answers, tabular_contract, text_contract
from tests.serving.fake_model_server import wait_until


def test_each_row_has_the_answer_that_the_gateway_would_give(command: Command, tmp_path: Path) -> None:
    rows = [{"id": f"r{number}", "text": text, "source": "x"} for number, text in enumerate(texts(50))]
    write_csv(tmp_path / "in.csv", rows)
    result = command("in.csv", "--output", "out.jsonl", "--id-column", "id", "--keep", "source", "--batch-rows", 8)
    assert result.exit_code == 0, result.output
    got = read_jsonl(tmp_path / "out.jsonl")
    expected = answers(text_contract(), [{"text": row["text"]} for row in rows])
    assert [row["row_id"] for row in got] == [row["id"] for row in rows]
    assert [{name: row[name] for name in ("label", "score", "scores")} for row in got] == expected
    assert {(row["source"], row["model"], row["version"], len(row["contract"])) for row in got} == {
        ("x", "sentiment", 1, 16)
    }
    assert (tmp_path / "out.jsonl.rejects.jsonl").read_bytes() == b""
    assert not (tmp_path / "out.jsonl.parts").exists()
    assert command.server.rows.count(8) == 6


def test_columns_are_mapped_and_rows_named_by_file_and_number(command: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [{"review": text} for text in texts(3)])
    assert command("in.csv", "--output", "out.csv", "--column", "text=review").exit_code == 0
    with (tmp_path / "out.csv").open() as file:
        got = list(csv.DictReader(file))
    assert [row["row_id"] for row in got] == ["in.csv:1", "in.csv:2", "in.csv:3"]
    assert list(got[0]) == ["row_id", "label", "score", "scores", "model", "version", "contract"]
    assert json.loads(got[0]["scores"]).keys() == {"negative", "positive"}


def test_bad_rows_are_told_and_do_not_stop_the_others(command: Command, tmp_path: Path) -> None:
    text = "rooms,age\n5,30\nmany,20\n6\n7,\n\n4,1_0\n5.5,\xe9\n3,10\n"
    (tmp_path / "in.csv").write_bytes(text.encode("latin-1"))
    result = command("in.csv", "--output", "out.jsonl", model="house_price")
    assert result.exit_code == 0, result.output
    assert [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["in.csv:1", "in.csv:8"]
    rejects = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert [(reject["file"], reject["row"]) for reject in rejects] == [("in.csv", row) for row in (2, 3, 4, 6, 7)]
    reasons = [reject["reason"] for reject in rejects]
    assert reasons == [
        "rooms: expected a number, got 'many'",
        "expected 2 columns, got 1",
        "age: expected a number, got nothing",
        "age: expected a number, got '1_0'",
        "expected UTF-8, got other bytes",
    ]


def test_lines_of_json_that_are_none_are_told(command: Command, tmp_path: Path) -> None:
    lines = [
        b'{"text": "good film"}',
        b"{",
        b"[1]",
        b'{"text": 5}',
        b"",
        b'{"text": "bad", "more": 1}',
        b'{"other": 1}',
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    assert command("in.jsonl", "--output", "out.jsonl").exit_code == 0
    assert [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["in.jsonl:1", "in.jsonl:6"]
    rejects = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert [reject["row"] for reject in rejects] == [2, 3, 4, 7]
    assert rejects[1]["reason"] == "expected a JSON object, got list"
    assert rejects[3]["reason"] == "text: expected a string that is not empty, got nothing"


@pytest.mark.parametrize(
    ("most", "code"), [("2", 0), ("1", 3), ("0", 3), ("20%", 0), ("19%", 3)], ids=lambda value: str(value)
)
def test_too_many_rejects_are_a_failure_that_tells_them(command: Command, tmp_path: Path, most: str, code: int) -> None:
    write_jsonl(tmp_path / "in.jsonl", [*({"text": text} for text in texts(8)), {"text": ""}, {}])
    result = command("in.jsonl", "--output", "out.jsonl", "--max-rejects", most)
    assert result.exit_code == code, result.output
    assert (tmp_path / "out.jsonl").exists() == (code == 0)
    if code:
        assert "rows were rejected, and at most" in result.output


def test_standard_input_is_read(command: Command, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts(5)).encode()
    arguments = ("-", "--format", "jsonl", "--output", "out.jsonl.gz")
    assert command(*arguments, stdin=lines).exit_code == 0
    rows = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()
    assert [json.loads(row)["row_id"] for row in rows] == [f"stdin:{number}" for number in range(1, 6)]
    assert "finished before" in command(*arguments, stdin=lines).output
    result = command(*arguments, stdin=lines + b"{}\n")
    assert (result.exit_code, "content of stdin is another" in result.output) == (2, True)


def test_patterns_and_several_files_are_read_in_order(command: Command, tmp_path: Path) -> None:
    for number in (2, 1, 3):
        write_csv(tmp_path / f"in{number}.tsv", houses(number), delimiter="\t")
    result = command("in3.tsv", "in[12].tsv", "--output", "out.jsonl", "--limit", 5, model="house_price")
    assert result.exit_code == 0, result.output
    got = [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")]
    assert got == ["in3.tsv:1", "in3.tsv:2", "in3.tsv:3", "in1.tsv:1", "in2.tsv:1"]


def test_the_output_is_no_input(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(3)])
    for _ in range(2):
        assert command("*.jsonl", "--output", "out.jsonl").exit_code == 0
        assert len(read_jsonl(tmp_path / "out.jsonl")) == 3
    result = command("in.jsonl", "--output", "in.jsonl")
    assert (result.exit_code, "in.jsonl is the output" in result.output) == (2, True)
    assert len(read_jsonl(tmp_path / "in.jsonl")) == 3


def test_a_finished_run_is_not_done_again(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(5)])
    first = command("in.jsonl", "--output", "out.jsonl", "--json")
    asked = len(command.server.rows)
    second = command("in.jsonl", "--output", "out.jsonl", "--json")
    assert first.exit_code == second.exit_code == 0
    assert json.loads(first.stdout) | {"run": "", "output_bytes": 0} == json.loads(second.stdout) | {
        "run": "",
        "output_bytes": 0,
    }
    assert len(command.server.rows) <= asked + 1  # the parity examples
    (tmp_path / "out.jsonl").write_text("cut")
    assert command("in.jsonl", "--output", "out.jsonl").exit_code == 0
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 5


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (["--keep", "text"], 'with keep nothing, and now it is ["text"]'),
        (["--limit", "3"], "with limit nothing, and now it is 3"),
        (["--version", "2"], "with version 1, and now it is 2"),
        (["more.jsonl"], "more.jsonl was no input, and is one now"),
    ],
)
def test_a_run_that_was_started_with_different_options_is_refused(
    command: Command, tmp_path: Path, changed: list[str], reason: str
) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(5)])
    write_jsonl(tmp_path / "more.jsonl", [{"text": "good"}])
    assert command("in.jsonl", "--output", "out.jsonl").exit_code == 0
    command.server.publish(text_contract(weights=5), 2, weights=5)
    result = command("in.jsonl", *changed, "--output", "out.jsonl")
    assert result.exit_code == 2
    assert f"out.jsonl was started with different options: {reason}" in result.output
    assert "--restart" in result.output
    result = command("in.jsonl", *changed, "--output", "out.jsonl", "--restart")
    assert result.exit_code == 0, result.output


def test_a_changed_input_is_refused_and_a_version_that_went_too(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(5)])
    assert command("in.jsonl", "--output", "out.jsonl").exit_code == 0
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(6)])
    result = command("in.jsonl", "--output", "out.jsonl")
    assert (result.exit_code, "the content of in.jsonl is another now" in result.output) == (2, True)
    command.server.publish(text_contract(weights=5), 2, weights=5)
    command.server.withdraw("sentiment", 1)
    result = command("in.jsonl", "--output", "out.jsonl")
    assert (result.exit_code, "version 1, with which this run was begun" in result.output) == (2, True)
    command.server.publish(text_contract(words="a very bad good film"), 1)
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(5)])
    result = command("in.jsonl", "--output", "out.jsonl")
    assert (result.exit_code, "version 1 of sentiment carries another contract now" in result.output) == (2, True)


def test_a_run_goes_on_with_its_version_while_that_is_served(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(20)])
    result = command("in.jsonl", "--output", "out.jsonl", "--part-rows", 4, "--max-rejects", "0")
    assert result.exit_code == 0
    (tmp_path / "out.jsonl").unlink()  # so it has to be done again
    command.server.publish(text_contract(weights=5), 2, weights=5)
    assert command("in.jsonl", "--output", "out.jsonl", "--part-rows", 4).exit_code == 0
    assert {row["version"] for row in read_jsonl(tmp_path / "out.jsonl")} == {1}


def test_a_server_that_is_away_for_a_while_is_waited_for(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(400)])
    command.server.delay_seconds = 0.02
    failed = threading.Thread(target=_fail_for_a_while, args=(command,))
    failed.start()
    result = command("in.jsonl", "--output", "out.jsonl", "--batch-rows", 10, "--patience-seconds", 60)
    failed.join()
    assert result.exit_code == 0, result.output
    expected = answers(text_contract(), [{"text": text} for text in texts(400)])
    assert [row["scores"] for row in read_jsonl(tmp_path / "out.jsonl")] == [answer["scores"] for answer in expected]


def test_who_comes_before_the_server_is_told_once_what_is_waited_for(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(10)])
    command.server.stop()
    later = threading.Timer(2.5, command.server.start)
    later.start()
    result = command("in.jsonl", "--output", "out.jsonl", "--patience-seconds", 60)
    later.join()
    assert result.exit_code == 0, result.output
    assert result.stderr.count("waiting for 60 s (--in-process needs no model server)") == 1


def _fail_for_a_while(command: Command) -> None:
    wait_until(lambda: len(command.server.rows) > 5)
    command.server.stop()
    time.sleep(0.7)
    command.server.start()


def test_a_server_that_stays_away_is_a_clear_end_that_goes_on(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(200)])
    arguments = ("in.jsonl", "--output", "out.jsonl", "--batch-rows", 10, "--part-rows", 20, "--patience-seconds", 0.5)
    command.server.stop()
    result = command(*arguments)
    assert (result.exit_code, "for 0.5 s" in result.output) == (75, True)
    command.server.start()
    failing = threading.Thread(target=_fail_for_good, args=(command,))
    failing.start()
    result = command(*arguments)
    failing.join()
    assert (result.exit_code, "run the same command again to resume" in result.output) == (75, True), result.output
    kept = len(list((tmp_path / "out.jsonl.parts").glob("*.rows")))
    command.server.failure = None
    command.server.delay_seconds = 0
    command.server.rows.clear()
    assert command(*arguments).exit_code == 0
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 200
    assert sum(command.server.rows) == 2 * 2 + 200 - 20 * kept  # twice the parity examples
    assert kept > 0


def _fail_for_good(command: Command) -> None:
    command.server.delay_seconds = 0.02
    wait_until(lambda: len(command.server.rows) > 12)
    command.server.failure = (grpc.StatusCode.UNAVAILABLE, "busy")


def test_a_dry_run_writes_nothing(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good film"}, {"text": ""}])
    result = command("in.jsonl", "--output", "out.jsonl", "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["rows_tried"], told["rejected"], len(told["answers"])) == (2, 1, 1)
    assert told["reasons"] == ["row 2: text: expected a string that is not empty, got ''"]
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    assert "nothing was written" in command("in.jsonl", "--output", "out.jsonl", "--dry-run").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "there is no none.csv"),
        (["in.txt"], "in.txt: expected a file that ends in .csv"),
        (["in.csv", "in.csv"], "in.csv is listed twice"),
        (["in.csv", "--column", "text"], "expected FIELD=COLUMN"),
        (["in.csv", "--column", "words=review"], "takes no such field; it takes text"),
        (["in.csv", "--column", "text=review"], "in.csv: expected a column 'review', got text, id"),
        (["in.csv", "--keep", "none"], "expected a column 'none'"),
        (["in.csv", "--column", "text=id", "--keep", "label"], "--keep label: the output has a column of that name"),
        (["in.csv", "--shard", "4/4"], "expected I/N"),
        (["in.csv", "--shard", "0/4", "--limit", "3"], "don't go together"),
        (["in.csv", "--max-rejects", "-1"], "expected a number of rows"),
        (["in.csv", "--version", "7"], "version 7 is not available on the model server; there are 1"),
        (["in.csv", "--output", "out.xml"], "expected .csv, .jsonl"),
        (["photos"], "holds images; this model takes other fields"),
        ([], "expected INPUT, --model and --output"),
        (["--merge"], "is not there"),
    ],
)
def test_what_cannot_be_done_is_said(command: Command, tmp_path: Path, arguments: list[str], said: str) -> None:
    write_csv(tmp_path / "in.csv", [{"text": "good", "id": 1}])
    (tmp_path / "in.txt").touch()
    (tmp_path / "photos").mkdir()
    output = () if "--output" in arguments else ("--output", "out.csv")
    result = command(*arguments, *output)
    assert result.exit_code == 2
    assert said in result.output, result.output
    assert "Traceback" not in result.output


def test_the_summary_counts(command: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", houses(10))
    summary = json.loads(command("in.csv", "--output", "out.csv", "--json", model="house_price").stdout)
    values = [answer["value"] for answer in answers(tabular_contract(), houses(10))]
    assert (summary["rows"], summary["rejected"]) == (10, 0)
    assert summary["values"]["min"] == min(values)
    assert summary["values"]["mean"] == pytest.approx(sum(values) / 10)
    assert summary["call_milliseconds"].keys() == {"p50", "p95", "p99"}


def test_metrics_are_left_for_prometheus(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(5)])
    write_jsonl(tmp_path / "bad.jsonl", [{}])
    arguments = ("--metrics-file", "batch.prom", "--max-rejects", 0)
    assert command("in.jsonl", "--output", "out.jsonl", *arguments).exit_code == 0
    first = (tmp_path / "batch.prom").read_text()
    assert 'plumbline_batch_rows{model="sentiment"} 5.0\n' in first
    assert 'plumbline_batch_rejected_rows{model="sentiment"} 0.0\n' in first
    assert command("bad.jsonl", "--output", "bad.csv", *arguments).exit_code == 3
    second = (tmp_path / "batch.prom").read_text()
    for name in ("last_success_timestamp_seconds", "rows"):
        assert _line(first, name) == _line(second, name)
    assert _line(first, "last_run_timestamp_seconds") < _line(second, "last_run_timestamp_seconds")


def _line(text: str, name: str) -> float:
    start = f'plumbline_batch_{name}{{model="sentiment"}} '
    return float(next(line for line in text.splitlines() if line.startswith(start)).removeprefix(start))


def test_processes_give_the_same_bytes_as_threads(command: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in [*texts(300), ""]])
    for output, more in (("threads.jsonl", ()), ("processes.jsonl", ("--processes", 2))):
        result = command("in.jsonl", "--output", output, "--batch-rows", 16, *more)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "threads.jsonl").read_bytes() == (tmp_path / "processes.jsonl").read_bytes()
    assert len(read_jsonl(tmp_path / "processes.jsonl.rejects.jsonl")) == 1


def test_a_pipe_that_ends_at_once_is_told(command: Command) -> None:
    done = command("-", "--format", "jsonl", "--output", "out.jsonl", stdin=b"")
    assert done.exit_code == 2
    assert "standard input ended before anything came" in done.output


def test_a_named_pipe_is_read_once(command: Command) -> None:
    pipe = command.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b'{"text": "good"}\n{"text": "film"}\n'))
    writer.start()
    done = command(pipe, "--format", "jsonl", "--output", "out.jsonl")
    writer.join(10)
    assert done.exit_code == 0, done.output
    assert [row["row_id"] for row in read_jsonl(command.folder / "out.jsonl")] == [f"{pipe}:1", f"{pipe}:2"]


def test_waiting_for_a_pipe_ends_at_the_first_signal(command: Command) -> None:
    os.mkfifo(command.folder / "pipe.jsonl")
    words = [sys.executable, "-m", "serving", "score", "pipe.jsonl", "--model", "sentiment", "--output", "out.jsonl"]
    environment = {**os.environ, "MODEL_SERVER": command.server.address, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    with (command.folder / "pipe.jsonl").open("wb"):  # which waits until it is read
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, "Error: stopped before the first row was scored" in said) == (75, True), said


@pytest.mark.parametrize("option", ["--label", "--output"])
def test_options_that_are_not_utf_8_are_refused(command: Command, option: str) -> None:
    write_jsonl(command.folder / "in.jsonl", [{"text": "good"}])
    done = command("in.jsonl", "--output", "out.jsonl", option, os.fsdecode(b"a\xff.jsonl"))
    assert done.exit_code == 2
    assert rf"{option} a\xff.jsonl: expected a name in UTF-8" in done.output


def test_devices_are_refused(command: Command) -> None:
    done = command("/dev/zero", "--format", "jsonl", "--output", "out.jsonl")
    assert done.exit_code == 2
    assert "/dev/zero: expected a file, a folder or a pipe, got a device or a socket" in done.output


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts(50)])
    contract = text_contract()

    class Changing(InstantServer):
        def predict(self, *arguments: Any) -> Any:
            write_jsonl(path, [{"text": "good"}])
            return super().predict(*arguments)

    job = Job((str(path),), contract.model, str(tmp_path / "out.jsonl"))
    server = Changing(contract)
    with pytest.raises(BadInput, match=r"in\.jsonl changed while it was read"):
        do_job(start(job, server), server, lambda: server, threading.Event())
    assert not (tmp_path / "out.jsonl").exists()


def test_the_parts_before_damage_are_finished(tmp_path: Path) -> None:
    class Slow(InstantServer):
        def predict(self, *arguments: Any) -> Any:
            time.sleep(0.02)  # so that the damage is found before the first answer comes
            return super().predict(*arguments)

    path = tmp_path / "in.csv"
    path.write_text("text\n" + "good\n" * 5 + '"never closed\n')
    contract, server = text_contract(), Slow(text_contract())
    job = Job((str(path),), contract.model, str(tmp_path / "out.jsonl"), part_rows=2, batch_rows=1)
    with pytest.raises(BadInput, match=r"in\.csv is damaged: row 6, which begins in line 7"):
        do_job(start(job, server), server, lambda: server, threading.Event())
    kept = sorted((tmp_path / "out.jsonl.parts").glob("*.rows"))
    assert [part.read_text().count("\n") for part in kept] == [2, 2]


def test_who_does_not_read_the_summary_costs_nothing(command: Command) -> None:
    write_jsonl(command.folder / "in.jsonl", [{"text": "good"}])
    words = f'"{sys.executable}" -m serving score in.jsonl --model sentiment --output out.jsonl'
    line = f"{words} | true; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "MODEL_SERVER": command.server.address, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(["/bin/bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Error")) == (0, 0), done.stderr
    assert len(read_jsonl(command.folder / "out.jsonl")) == 1


@pytest.mark.parametrize(("written", "said"), [(b"txet\nfine\n", "expected a column 'text'"), (None, "there is no ")])
def test_a_terminal_obeys_no_name_of_a_file(command: Command, tmp_path: Path, written: bytes | None, said: str) -> None:
    path = tmp_path / "a\x07\nb.csv"
    if written:
        path.write_bytes(written)
    ended = command(path, "--output", "out.jsonl")
    assert ended.exit_code == 2
    assert said in ended.output
    assert "a\\x07\\nb.csv" in ended.output
    assert "\x07" not in ended.output
