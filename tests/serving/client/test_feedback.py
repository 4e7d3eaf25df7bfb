"""The clients tell a gateway what turned out to be true."""

from pathlib import Path

import pytest

from serving import errors
from serving.captures import parts_in, read_part
from serving.truth.feedback import Feedback
from tests.serving.client.conftest import Connect, gateway
from tests.serving.fake_model_server import FakeModelServer


def test_a_truth_is_kept_by_the_request_of_its_answer(
    model_server: FakeModelServer, connect: Connect, tmp_path: Path
) -> None:
    place = str(tmp_path / "captures")
    with gateway(model_server, capture=place) as url:
        client = connect(url)
        answer = client.predict("house_price", {"rooms": 5.0, "age": 30.0})

        client.feedback("house_price", answer.request_id, 24.5, version=answer.version)
        with pytest.raises(errors.InvalidFeedback) as wrong:
            client.feedback("sentiment", "order 7", "great")

    (kept,) = (
        read
        for path, _ in parts_in(place, "house_price", "feedback")
        for read in read_part(place, path, Feedback.from_json)
    )
    assert (kept.request_id, kept.index, kept.truth) == (answer.request_id, 0, 24.5)
    assert [fault.path for fault in wrong.value.faults] == [("request_id",), ("truth",)]
    assert wrong.value.faults[1].problem == "expected one of negative, positive, got 'great'"


def test_a_gateway_that_takes_none_says_so(model_server: FakeModelServer, connect: Connect) -> None:
    with gateway(model_server) as url, pytest.raises(errors.NoFeedback, match="needs the setting CAPTURE"):
        connect(url).feedback("sentiment", "a-1", "positive")
