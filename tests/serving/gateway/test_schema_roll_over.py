"""A model whose live version has a contract of schema 1 gets one of schema 2, and goes back, under load."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from serving.contract import Answers, Contract, Input, Record
from serving.contract.encoders import Category, Number
from serving.contract.heads import Labels, Value
from serving.registry import publish, rollback, scan
from serving.registry.quarantining import quarantine
from serving.registry.server_config import models_config
from serving.registry.versions import CONTRACT
from tests.serving.every_kind import make, outputs
from tests.serving.saved_models import write_saved_model
from tests.stack import PLUMBLINE, Stack, free_port, process

SCHEMA_1 = json.loads((Path(__file__).parents[1] / "contract/schema_1/text.json").read_text("utf-8"))
MODEL = "text"
ASKED = [{"text": text} for text in ("A very GOOD film", "bad, very bad", "good film, good film")]


def later() -> Contract:
    """Two more fields, which may be missing, so that old callers are answered; other inputs, and a second head."""
    text = Contract.from_json(json.dumps(SCHEMA_1["contract"])).record.fields["text"]
    fields = {
        "text": text,
        "stars": Number.fit([1.0, 5.0, None], flag=True),
        "country": Category.fit(["de", "fr", None], unknown="bucket"),
    }
    inputs = (Input("words", ("text",)), Input("others", ("country", "stars")))
    heads = Answers({"mood": Labels(("bad", "good"), top=2), "worth": Value("EUR")}, {"mood": "m", "worth": "w"})
    return make(MODEL, Record(fields, inputs), heads, [*ASKED, {**ASKED[0], "stars": 4, "country": "de"}])


EARLIER, LATER = Contract.from_json(json.dumps(SCHEMA_1["contract"])), later()
ANSWERS = [contract.answers.make(outputs(contract, contract.features(ASKED))) for contract in (EARLIER, LATER, EARLIER)]
"""Of each version, by the number that it will have."""


def publish_contract(models_dir: Path, contract: Contract, document: str) -> None:
    publish(models_dir, MODEL, lambda folder: write_saved_model(folder, contract, document))


def model_server(models_dir: Path, port: int) -> list[str]:
    """The command of a model server that keeps the two newest versions, as Plumbline configures it."""
    config = models_dir.parent / "models.config"
    config.write_text(models_config([MODEL], str(models_dir)))
    return [
        sys.executable,
        "-m",
        "serving.local_server",
        "--host=127.0.0.1",
        f"--port={port}",
        f"--model_config_file={config}",
    ]


@pytest.fixture(params=["embedded", "remote"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Stack, Path]]:
    """The gateway's processes, with the models in them or in a model server of their own."""
    models_dir, port, other = tmp_path / "models", free_port(), free_port()
    models_dir.mkdir()
    publish_contract(models_dir, EARLIER, json.dumps(SCHEMA_1["contract"]))
    command = [*PLUMBLINE, "serve", "--models", MODEL, "--port", str(port)]
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCESS_LOG", "off")
        if request.param == "remote":
            running.enter_context(process(model_server(models_dir, other), tmp_path / "server.log"))
            command += ["--model-server", f"127.0.0.1:{other}"]
        else:
            patch.setenv("MODELS_DIR", str(models_dir))
        log = tmp_path / "gateway.log"
        stack = Stack(f"http://127.0.0.1:{port}", running.enter_context(process(command, log)), log)
        stack.wait_for("/readyz", lambda reply: reply.status == 200)
        yield stack, models_dir


class Callers:
    """Threads that ask without a pause, and keep what is wrong and which versions answered."""

    def __init__(self, stack: Any, count: int = 3) -> None:
        self.wrong: list[Any] = []
        self.seen: list[int] = []
        self._stack = stack
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._done.is_set():
            told = None
            try:
                reply = self._stack.post(f"/predict/{MODEL}", {"instances": ASKED})
                told = reply.json()
                self.seen.append(told["version"])
                if not _agree(told["predictions"], ANSWERS[told["version"] - 1]):
                    self.wrong.append(told)
            except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
                self.wrong.append((error, told))

    def wait_for(self, version: int) -> None:
        """Wait until it answers each of the last requests: of every process."""
        self._stack.wait_until(lambda: self.seen[-30:] == [version] * 30 or self.wrong)


def _agree(got: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return got.keys() == expected.keys() and all(_agree(got[name], expected[name]) for name in expected)
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(_agree, got, expected))
    return bool(got == pytest.approx(expected, abs=1e-5) if isinstance(expected, float) else got == expected)


def test_a_roll_over_from_schema_1_to_2_and_back_loses_no_request(gateway: tuple[Stack, Path]) -> None:
    stack, models_dir = gateway
    with Callers(stack) as callers:
        callers.wait_for(1)
        publish_contract(models_dir, LATER, LATER.to_json())
        callers.wait_for(2)
        rollback(models_dir, MODEL)  # which publishes the contract of schema 1 again
        callers.wait_for(3)
        schemas = [json.loads((path / CONTRACT).read_bytes())["schema"] for path in scan(models_dir / MODEL).values()]
        quarantine(models_dir, MODEL, 3)
        callers.wait_for(2)
    assert callers.wrong[:3] == []
    assert schemas == [1, 2, 1]


def test_a_version_of_a_later_schema_is_refused_by_a_sentence_and_what_answers_goes_on(
    gateway: tuple[Stack, Path],
) -> None:
    stack, models_dir = gateway
    newest = json.dumps({**json.loads(LATER.to_json()), "schema": 3})
    with Callers(stack) as callers:
        callers.wait_for(1)
        publish_contract(models_dir, LATER, newest)
        told = "expected contract schema 1 to 2, got 3: train the model again, or update this installation"
        stack.wait_for(f"/models/{MODEL}", lambda reply: told in reply.json()["refused"].get("2", ""))
        seen = len(callers.seen)
        stack.wait_until(lambda: len(callers.seen) > seen + 30 or callers.wrong)

    assert callers.wrong[:3] == []
    assert set(callers.seen) == {1}
    model = stack.get(f"/models/{MODEL}").json()
    assert (model["ready"], model["versions"]) == (True, [1])
