"""A model server, a gateway of two processes that follows a weights document, and callers, for canaries."""

import contextlib
import json
import random
import subprocess
import threading
from collections import Counter
from pathlib import Path

import numpy as np

from serving.catalog.weights import parse
from serving.contract.arrays import Array, Features
from tests.serving.contracts import scores, text_contract
from tests.serving.fake_model_server import FakeModelServer, Model, wait_until
from tests.serving.gateway.test_serve import Running
from tests.stack import PLUMBLINE

_WORDS = "a good film bad very".split()
_SEED = random.Random(7)
TEXTS = [json.dumps({"text": " ".join(_SEED.choices(_WORDS, k=9))}) for _ in range(200)]


def good(features: Features) -> Array:
    return scores(features, 1, 0)


def skewed(features: Features) -> Array:
    """Give one label only, but for the parity examples."""
    computed = good(features)
    return computed if features["ids"].shape[0] == 2 else np.full_like(computed, 0.9)


def failing(features: Features) -> Array:
    """Fail one request in five, but not the parity examples."""
    if len(features["ids"]) != 2 and features["ids"].sum() % 5 == 0:
        return good(features) * np.nan
    return good(features)


class System:
    """Version 4 is stable; *canary* is version 5."""

    def __init__(self, folder: Path, model_server: FakeModelServer, canary: Model) -> None:
        self.document = folder / "weights"
        self.document.write_text("sentiment=4\n")
        self.audit = folder / "audit.jsonl"
        self.answered: Counter[int | None] = Counter()
        model_server.publish(text_contract(), 4)
        model_server.publish(text_contract(), 5, model=canary)
        (folder / "metrics").mkdir()
        more = {"MODELS": "sentiment", "CANARY_FILE": str(self.document), "MAX_BATCH_ROWS": "1", "ACCESS_LOG": "off"}
        more["DEADLINE_SECONDS"] = "60"  # on a busy machine too, nobody is to notice anything
        self.gateway = Running(model_server.address, folder / "metrics", folder / "log", **more)
        self._done = threading.Event()
        self._callers = [threading.Thread(target=self._call) for _ in range(4)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def shares(self) -> dict[int, float]:
        lines = parse(self.document.read_text())["sentiment"]
        return {version: share.percent for version, share in lines.shares.items()}

    def refuses(self, version: int) -> bool:
        """Tell whether all workers refuse a version, of the next twenty that are asked."""
        headers = {"Content-Type": "application/json"}
        path = f"/predict/sentiment?version={version}"
        return {self.gateway.ask("POST", path, TEXTS[0], **headers)[0] for _ in range(20)} == {404}

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start `plumbline canary`."""
        command = [*PLUMBLINE, "canary", "sentiment", "5", "--file", str(self.document), "--audit", str(self.audit)]
        return subprocess.Popen([*command, *options], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _call(self) -> None:
        headers = {"Content-Type": "application/json"}
        while not self._done.is_set():
            with contextlib.suppress(OSError):
                _, body = self.gateway.ask("POST", "/predict/sentiment", random.choice(TEXTS), **headers)
                self.answered[json.loads(body).get("version")] += 1

    def __enter__(self) -> "System":
        wait_until(self.gateway.ready)
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for caller in self._callers:
            caller.join(20)
        self.gateway.process.terminate()
        self.gateway.process.wait(30)
