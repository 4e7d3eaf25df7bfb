"""Explanations by the real runtimes: models in the gateway's process, and in a model server that is asked by gRPC."""

import sys
from pathlib import Path
from typing import Any

from serving.contract import Answers, Input, Record
from serving.contract.encoders import Category, Encoder, Number, Picture, Text
from serving.contract.heads import Labels, TagSet, Value
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.registry import publish
from serving.registry.server_config import models_config
from tests.serving.every_kind import PICTURES, TEXTS, expected, make
from tests.serving.fake_model_server import wait_until
from tests.serving.saved_models import write_saved_model
from tests.stack import free_port, process

FIELDS: dict[str, Encoder] = {
    "text": Text.fit(TEXTS, length=6),
    "picture": Picture.fit(PICTURES, height=6, width=8),
    "rooms": Number.fit([1.0, 4.0, 7.0]),
    "sex": Category.fit(["m", "f", "m"]),
}
HEADS = {"label": Labels(("no", "yes"), top=2), "topics": TagSet(("cheap", "new"), (0.2, 0.5)), "price": Value("EUR")}
INPUTS = (Input("a", ("text",)), Input("b", ("picture",)), Input("c", ("rooms", "sex")))
INSTANCES = [
    {"text": TEXTS[0], "picture": PICTURES[2], "rooms": 2.0, "sex": "f"},
    {"text": TEXTS[1], "picture": PICTURES[1], "rooms": 4.0, "sex": "m"},
]
MIXED = make("mixed", Record(FIELDS, INPUTS), Answers(HEADS, {name: name for name in HEADS}), INSTANCES)
QUERIES = ("", "?head=topics&target=new", "?head=price&method=occlusion")


def explained(settings: Settings) -> list[dict[str, Any]]:
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    replies = [client.post(f"/explain/mixed{query}", json=INSTANCES[0]).get_json() for query in QUERIES]
    close_app(app)
    return replies


def test_a_model_server_and_the_own_process_explain_alike(tmp_path: Path) -> None:
    folder, port = tmp_path / "models", free_port()
    folder.mkdir()
    publish(folder, "mixed", lambda version: write_saved_model(version, MIXED, MIXED.to_json()))
    config = tmp_path / "models.config"
    config.write_text(models_config(["mixed"], str(folder)))
    command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", f"--port={port}"]

    own = explained(Settings(models_dir=folder, models=("mixed",), model_server="", deadline_seconds=60.0))
    with process([*command, f"--model_config_file={config}"], tmp_path / "server.log"):
        asked = explained(Settings(model_server=f"127.0.0.1:{port}", models=("mixed",), deadline_seconds=60.0))

    assert own == asked
    for reply in own:
        told = reply["explanation"]
        assert reply["prediction"] == expected(MIXED, INSTANCES)[0]
        assert told["complete"]
        assert abs(told["base"] + sum(part["contribution"] for part in told["parts"]) - told["sum"]) < 1e-7
    assert [reply["explanation"]["gap"] for reply in own[:2]] == [0.0, 0.0]
    assert {part["field"] for part in own[0]["explanation"]["parts"]} == INSTANCES[0].keys()
