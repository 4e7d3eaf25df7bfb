"""Importing a model in a test, and asking the gateway's own app for its answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from flask.testing import FlaskClient

from serving.contract import Contract
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.registry import live_version
from tests.serving.fake_model_server import wait_until
from tests.stack import free_port
from training.importing.importing import Request, import_model

NAME = "mine"


@dataclass(frozen=True)
class Place:
    """A folder with a model, its examples, and the models folder that it is published to."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def models_dir(self) -> Path:
        return self.folder / "models"

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Path:
        path = self.folder / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def bring(self, path: Path, rows: Sequence[Mapping[str, Any]] | Path, **options: Any) -> Contract:
        """Import the model in *path*, and return the contract that it was published with; keep what is said."""
        examples = rows if isinstance(rows, Path) else self.rows(rows)
        names = {option: options.pop(option, ()) for option in ("labels", "tags", "values")}
        self.said.clear()
        import_model(Request(path, NAME, examples, self.models_dir, names, say=self.said.append, **options))
        self.said[:] = [line for line in self.said if "lite form" not in line]
        live = live_version(self.models_dir, NAME)
        assert live
        assert live.contract
        return live.contract

    def save(self, model: keras.Model, name: str = "model.keras") -> Path:
        model.save(self.folder / name)
        return self.folder / name

    @contextmanager
    def gateway(self) -> Iterator[FlaskClient]:
        app = create_app(Settings(models_dir=self.models_dir, models=(NAME,), refresh_seconds=1, grpc_port=free_port()))
        client = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client
        close_app(app)

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask the gateway's app, first for all of *rows* and then for each on its own: both must be the same."""
        with self.gateway() as client:
            together = _asked(client, rows)
            for row, answer in zip(rows[:2], together, strict=False):
                (alone,) = _asked(client, [row])
                np.testing.assert_allclose(numbers(alone), numbers(answer), rtol=1e-4, atol=1e-6)
        return together


def _asked(client: FlaskClient, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    reply = client.post(f"/predict/{NAME}", json={"instances": rows})
    assert reply.status_code == 200, reply.text
    answers = reply.get_json()["predictions"]
    return [{key: value for key, value in answer.items() if key not in ("model", "version")} for answer in answers]


def numbers(answer: Any) -> list[float]:
    """Return all numbers of an answer, by the order of names."""
    if isinstance(answer, dict):
        return [number for key in sorted(answer) for number in numbers(answer[key])]
    if isinstance(answer, list):
        return [number for item in answer for number in numbers(item)]
    return [float(answer)] if isinstance(answer, int | float) else []
