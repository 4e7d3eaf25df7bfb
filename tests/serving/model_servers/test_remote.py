import threading

import pytest

from serving.catalog import ModelServer
from serving.contract.arrays import Array, Features
from serving.model_servers.remote import RemoteServer
from serving.prediction import run_queue
from serving.prediction.run_queue import RunQueue
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import scores, text_contract
from tests.serving.fake_model_server import FakeModelServer
from tests.serving.prediction.test_micro_batching import ids


def test_others_run_while_a_model_server_works(
    client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 30.0)
    queue, ran = RunQueue(), threading.Event()

    def other() -> None:
        with queue.one_turn():
            queue.begin()
            ran.set()

    def model(features: Features) -> Array:
        threading.Thread(target=other).start()
        assert ran.wait(20)
        return scores(features, 1, 0)

    model_server.publish(text_contract(), model=model)
    server: ModelServer = RemoteServer(client, queue)
    with queue.one_turn():
        queue.begin()
        assert server.predict("sentiment", 1, ids(1), 25)[0] == 1
