"""The requests: reviews of about 1.3 kB and photos of 500x375, made from a model's contract, and their answers."""

import base64
import io
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.environments import ROOT
from benchmarks.servers import Instance, Route, in_json
from serving.contract import Contract
from serving.contract.encoders import Text
from serving.contract.encoders.tokenizers.keras_words import KerasWords

COUNT = 16
"""Number of different bodies of each kind, sent in turn, so that a cache of the last answer is of no use."""

CHARACTERS = 1300
SIZE = (500, 375)
_SEED = 1


@dataclass(frozen=True)
class Payload:
    """The instances of a model, and the expected scores of each."""

    instances: list[Instance]
    expected: list[dict[str, float]]

    def check(self, index: int, reply: bytes) -> str:
        """Return what is wrong with the reply to an instance; empty if nothing is."""
        try:
            document = json.loads(reply)
            scores = (document["predictions"] if isinstance(document, dict) else document)[0]["scores"]
        except (ValueError, KeyError, IndexError, TypeError):
            return f"a reply without scores: {reply[:200]!r}"
        wanted = self.expected[index]
        if scores.keys() == wanted.keys() and all(abs(scores[label] - wanted[label]) < 1e-3 for label in wanted):
            return ""
        return f"wrong scores: {scores}, expected {wanted}"

    def write(self, route: Route, folder: Path) -> list[Path]:
        """Write the bodies to *folder*, as *route* encodes them. Return the files."""
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{index:02}" for index in range(len(self.instances))]
        for file, instance in zip(files, self.instances, strict=True):
            file.write_bytes(route.encode(instance))
        return files


def make_payloads(models_dir: Path) -> dict[str, Payload]:
    """Return the payload of each model in *models_dir*. Raises CalledProcessError."""
    instances = {"sentiment": reviews(models_dir / "sentiment"), "image": photos(models_dir / "image")}
    answers = _answers(models_dir, instances)
    return {name: Payload(instances[name], [answer["scores"] for answer in answers[name]]) for name in instances}


def reviews(model: Path, count: int = COUNT, characters: int = CHARACTERS) -> list[Instance]:
    """Return texts of the vocabulary's words, with frequencies by Zipf's law."""
    encoder = contract_of(model).record.fields["text"]
    assert isinstance(encoder, Text)  # noqa: S101 - for mypy
    assert isinstance(encoder.tokenizer, KerasWords)  # noqa: S101
    words = encoder.tokenizer.words[: encoder.tokenizer.num_words]
    chance = random.Random(_SEED)  # noqa: S311 - nothing secret
    weights = [1 / (rank + 2) for rank in range(len(words))]
    return [{"text": " ".join(chance.choices(words, weights, k=characters))[:characters]} for _ in range(count)]


def photos(model: Path, count: int = COUNT, size: tuple[int, int] = SIZE) -> list[Instance]:
    """Return JPEGs of the photos in the contract, shifted so that no two are the same."""
    examples = [example.instance["image"] for example in contract_of(model).examples]
    sources = [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB").resize(size) for data in examples]
    made = []
    for index in range(count):
        pixels = np.roll(np.asarray(sources[index % len(sources)]), 16 * index, axis=1)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=90)
        made.append({"image": file.getvalue()})
    return made


def contract_of(model: Path) -> Contract:
    """Return the contract of a model's version 1, the only one here."""
    return Contract.from_json((model / "1" / "assets.extra" / "contract.json").read_bytes())


def _answers(models_dir: Path, instances: dict[str, list[Instance]]) -> dict[str, list[dict[str, Any]]]:
    """Return TensorFlow's own answers, from a separate process. Raises CalledProcessError."""
    requests = json.dumps({name: [in_json(instance) for instance in each] for name, each in instances.items()})
    command = [sys.executable, "-m", "benchmarks.rivals.model"]
    variables = {**os.environ, "BENCH_MODELS": str(models_dir), "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, cwd=ROOT, env=variables, input=requests, capture_output=True, text=True, check=True)
    answers: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return answers
