"""The system under what happens to it: bad input, a new version under load, a lost worker, Ctrl-C."""

import base64
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from serving.contract import Record
from serving.contract.heads import Labels
from serving.registry.checking import why_unloadable
from serving.registry.server_config import BATCHING_FILE
from tests.stack import PLUMBLINE, Reply, Stack, running
from training.jobs.training_job import Job, Result, train
from training.publishing.export import export
from training.publishing.publish import publish
from training.task import find_task


def house(**changes):
    fields = "CRIM ZN INDUS CHAS NOX RM AGE DIS RAD TAX PTRATIO B LSTAT".split()
    return {name: value for name, value in (dict.fromkeys(fields, 1.0) | changes).items() if value != "absent"}


@pytest.mark.parametrize(
    ("model", "body", "media_type", "status", "detail"),
    [
        ("nope", {"text": "x"}, "application/json", 404, "unknown model 'nope'"),
        ("sentiment", b"{", "application/json", 400, "JSON"),
        ("sentiment", b'{"text": "\xff"}', "application/json", 400, ""),
        ("sentiment", [1, 2], "application/json", 400, ""),
        ("sentiment", {"instances": []}, "application/json", 400, "expected at least one instance"),
        ("sentiment", {"instances": [{"text": "a"}] * 513}, "application/json", 413, "512"),
        ("sentiment", b" " * (17 * 2**20), "application/json", 413, ""),
        ("sentiment", b"a film", "text/plain", 415, "application/json"),
        ("sentiment", {"text": 3}, "application/json", 422, "sentiment: instance 0, field 'text'"),
        ("sentiment", {"text": "a", "lang": "en"}, "application/json", 422, "field 'lang'"),
        ("sentiment", {"instances": [{"text": "a"}, {}]}, "application/json", 422, "instance 1, field 'text'"),
        ("house_price", house(RM="six"), "application/json", 422, "field 'RM': expected a number, got 'six'"),
        ("house_price", house(RM="absent"), "application/json", 422, "field 'RM': expected a number, got nothing"),
        ("house_price", house(RM=True), "application/json", 422, "field 'RM'"),
        ("house_price", b'{"RM": NaN}', "application/json", 400, ""),
        ("house_price", house(ROOMS=1), "application/json", 422, "field 'ROOMS'"),
        ("image", {"image": "%%%"}, "application/json", 422, "field 'image': expected base64"),
        ("image", {"image": base64.b64encode(b"GIF89a").decode()}, "application/json", 422, "whole picture"),
        ("digits", b"not a picture", "image/png", 422, "field 'image': expected a whole picture"),
    ],
)
def test_bad_input_is_answered_with_a_problem_that_says_where(stack, model, body, media_type, status, detail):
    reply = stack.post(f"/predict/{model}", body, media_type)

    assert reply.status == status
    problem = reply.json()
    assert problem["status"] == status
    assert detail in problem["detail"]


@pytest.mark.parametrize("model", ["image", "digits"])
def test_a_picture_comes_as_base64_as_a_raw_body_or_as_a_form_file(stack, trained, model):
    encoded = trained[model].contract.examples[0].instance["image"]
    picture = base64.b64decode(encoded)
    form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture + b"\r\n--x--\r\n"

    replies = [
        stack.post(f"/predict/{model}", {"image": encoded}),
        stack.post(f"/predict/{model}", picture, "image/png"),
        stack.post(f"/predict/{model}", form, "multipart/form-data; boundary=x"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert replies[0].json() == replies[1].json() == replies[2].json()


def test_the_sample_is_named_wherever_the_models_show(stack):
    assert {model["data"] for model in stack.get("/models").json()["models"]} == {"sample"}
    assert stack.log.read_text().count("data: sample") == 5


def test_verify_and_models_speak_of_the_live_system(stack):
    verified, listed = (
        subprocess.run([*PLUMBLINE, command, "--url", stack.url], capture_output=True, text=True, check=True).stdout
        for command in ("verify", "models")
    )
    assert verified.count("agree with training") == 5
    assert listed.count("sample") == 5


def test_metrics_count_what_was_asked(stack):
    before, reply = (_requests(stack), stack.post("/predict/sentiment", {"text": "good"}))

    assert reply.status == 200
    assert _requests(stack) == before + 1


def _requests(stack) -> float:
    lines = stack.get("/metrics").body.decode().splitlines()
    wanted = ('model="sentiment"', 'code="200"')
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("plumbline_gateway_requests_total{") and all(label in line for label in wanted)
    )


def test_every_models_inputs_and_scores_are_counted_by_the_bins_of_its_contract(stack, trained):
    for name, result in trained.items():
        assert stack.post(f"/predict/{name}", result.contract.examples[0].instance).status == 200

    def counted(reply: Reply) -> bool:
        lines = [line for line in reply.body.decode().splitlines() if "feature_instances_total{" in line]
        return all(
            any(f'feature="{column.name}"' in line and f'model="{name}"' in line for line in lines)
            for name, result in trained.items()
            for column in result.contract.reference.columns
        )

    stack.wait_for("/metrics", counted)


def test_a_file_is_compared_with_the_contract_that_the_gateway_gives(stack, trained, tmp_path):
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(json.dumps({"review": text}) + "\n" for text in ("zork " * 90, "a good film", " ")))
    command = [*PLUMBLINE, "drift", str(path), "--model", "sentiment", "--column", "text=review", "--url", stack.url]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.stdout.startswith(f"sentiment: 2 rows of {path}\n"), done.stderr
    assert "too few rows" in done.stdout
    assert "left out row 3: text: expected a string that is not empty" in done.stderr


@pytest.fixture
def one_model(published: Path, tmp_path: Path) -> Path:
    """A models folder of its own, with version 1 of `sentiment`."""
    shutil.copytree(published / "sentiment", tmp_path / "models" / "sentiment")
    return tmp_path / "models"


def test_a_new_version_under_load_loses_no_request_and_mixes_no_versions(one_model, trained, tmp_path):
    successor = _retrained_with_another_vocabulary(tmp_path)
    question = {"text": "wonderful brilliant awful film"}
    expected = {1: _answer(trained["sentiment"], question), 2: _answer(successor, question)}
    replies, stop = [], threading.Event()

    def ask(stack):
        while not stop.is_set():
            replies.append(stack.post("/predict/sentiment", question))

    with running(one_model, tmp_path) as stack:
        threads = [threading.Thread(target=ask, args=(stack,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            publish(one_model, "sentiment", lambda folder: export(successor.model, successor.contract, folder))
            stack.wait_for("/models/sentiment", lambda reply: 2 in reply.json()["versions"])
            time.sleep(1.5)  # every worker has noticed by now
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    assert {reply.status for reply in replies} == {200}
    answers = [reply.json() for reply in replies]
    assert {answer["version"] for answer in answers} == {1, 2}
    for answer in answers:
        assert answer["predictions"] == [expected[answer["version"]]]
    assert answers[-1]["version"] == 2


def _retrained_with_another_vocabulary(folder: Path) -> Result:
    """Other ids for the same words, and other labels: features of one version make no sense to the other."""
    original = find_task("sentiment")

    def fit(data, instances, recipe):
        fitted = original.fit(data, instances, recipe)
        text = fitted.fields["text"]
        words = dataclasses.replace(text.tokenizer, words=text.tokenizer.words[::-1])
        return Record.single("text", dataclasses.replace(text, tokenizer=words), "ids")

    task = dataclasses.replace(original, fit=fit, output=lambda data: Labels(("bad", "good"), top=2))
    job = Job("sentiment", task, "baseline", folder, None, True, 2, print)
    return train(job, job.load())


def _answer(result: Result, instance: dict) -> dict:
    scores = result.model.predict(result.contract.features([instance]), verbose=0)
    (answer,) = result.contract.answers.make({"scores": scores})
    approximate = {label: pytest.approx(score, abs=1e-6) for label, score in answer["scores"].items()}
    return {"label": answer["label"], "score": approximate[answer["label"]], "scores": approximate}


def _wait_until_all_workers_answer(stack: Stack) -> None:
    deadline = time.monotonic() + 60
    while [_asked(stack).status for _ in range(10)] != [200] * 10:
        assert time.monotonic() < deadline, stack.log.read_text()
        time.sleep(0.1)


def _asked(stack: Stack) -> Reply:
    return stack.post("/predict/sentiment", {"text": "a film"})


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_cleanly_and_leaves_no_process_behind(one_model, tmp_path, stop):
    with running(one_model, tmp_path) as stack:
        children = stack.children()
        stack.process.send_signal(stop)
        code = stack.process.wait(60)

    assert code == 0, stack.log.read_text()
    assert len(children) == 3  # gunicorn, its workers
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def test_workers_share_the_library_that_was_loaded_before_they_were_forked(stack):
    """It has no threads then, which a fork would lose. Of TensorFlow there is nothing: all models have a lite form."""
    gunicorn, *workers = (Path(f"/proc/{pid}") for pid in stack.children())

    for folder in (gunicorn, *workers):
        maps = (folder / "maps").read_text()
        assert "litert" in maps
        assert "libtensorflow" not in maps
    assert len(list((gunicorn / "task").iterdir())) == 1
    assert len(workers) == 2


def test_a_lost_worker_is_replaced_by_one_that_has_the_models_too(one_model, tmp_path):
    with running(one_model, tmp_path) as stack:
        before = set(stack.children())
        os.kill(max(before), signal.SIGKILL)
        stack.wait_until(lambda: len(set(stack.children()) - before) == 1)
        _wait_until_all_workers_answer(stack)


def test_up_prefers_the_original_model_server_where_it_is_on_path(one_model, tmp_path, monkeypatch):
    # A stand-in of that name: it takes the flags as the original would, which has no --host.
    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m serving.local_server --host=127.0.0.1 "$@"\n')
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(binary.parent), prepend=os.pathsep)

    with running(one_model, tmp_path) as stack:
        assert f"model server: {binary}" in stack.log.read_text()
        assert _asked(stack).status == 200


def test_up_says_what_to_do_when_there_is_no_folder_of_models(tmp_path):
    nowhere = tmp_path / "nowhere"
    done = subprocess.run([*PLUMBLINE, "up", "--models-dir", str(nowhere)], capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.endswith(f"Error: there is no models folder {nowhere}; first run: plumbline train all\n")


def test_up_says_which_port_is_taken(one_model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [*PLUMBLINE, "up", "--models-dir", str(one_model), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 1
    assert "is taken; choose another with --port" in done.stderr


def test_up_looks_first_whether_it_could_start(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {**os.environ, "PORT": str(taken.getsockname()[1])}
        done = subprocess.run(
            [*PLUMBLINE, "up", "--dry-run"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
    again = subprocess.run(
        [*PLUMBLINE, "up", "--dry-run"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert f"port {environment['PORT']} is taken; choose another with --port" in done.stderr
    assert (again.returncode, again.stderr) == (0, "")


def test_up_serves_the_others_and_says_which_model_it_leaves_out(one_model, tmp_path):
    models = Path(shutil.copytree(one_model, tmp_path / "with_copy"))
    shutil.copytree(models / "sentiment", models / "copied")

    with running(models, tmp_path) as stack:
        assert _asked(stack).status == 200
        assert "not served: copied: version 1 is not to be served: " in stack.log.read_text()


TASK_FILE = """
from serving.contract.heads import Labels
from training.networks.dense import Dense
from training.data.preprocessing import tabular_scaler
from training.problem_types import BINARY
from training.validation import HoldOut
from training.data.datasets import Dataset, Part
from training.task import Task
import numpy as np


def visits(data_dir=None):
    minutes = np.linspace(0, 10, 80)
    part = Part([{"minutes": value} for value in minutes.tolist()], (minutes > 5).astype(np.int64))
    return Dataset("visits", part, part, ("stays", "leaves"))


TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=visits,
    load_sample=visits,
    fit=tabular_scaler,
    protocol=HoldOut(0.25),
    recipes={"baseline": Dense(units=(8,), epochs=60, batch_size=8)},
    sample_recipes={},
)
"""


def test_one_file_is_all_that_a_new_model_takes(tmp_path):
    (tmp_path / "mytasks").mkdir()
    (tmp_path / "mytasks" / "__init__.py").touch()
    (tmp_path / "mytasks" / "churn.py").write_text(TASK_FILE)

    command = [*PLUMBLINE, "train", "all", "--tasks", "mytasks", "--models-dir", "models"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with running(tmp_path / "models", tmp_path) as stack:
        reply = stack.post("/predict/churn", {"instances": [{"minutes": 0.5}, {"minutes": 9.5}]}).json()
        told = stack.get("/models/churn").json()

    assert [prediction["label"] for prediction in reply["predictions"]] == ["stays", "leaves"]
    assert told["data"] == "visits"


def test_what_training_publishes_is_not_found_unloadable(published):
    # How pictures are batched is the generator's business, and has tests of its own.
    problems = {path.parent.name: why_unloadable(path) for path in published.glob("*/1")}

    assert len(problems) == 5
    assert [problem for problem in problems.values() if problem and not problem.startswith(BATCHING_FILE)] == []
