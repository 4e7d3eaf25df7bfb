"""The clients ask why an answer came out."""

from dataclasses import replace

import pytest

from serving import errors
from serving.client import UnexpectedReply
from tests.serving.client.conftest import MIXED, Connect, gateway, scripted
from tests.serving.fake_model_server import FakeModelServer

TEXT = {"text": "a good film, very bad"}


def test_an_explanation_has_its_answer_and_its_parts(url: str, connect: Connect) -> None:
    client = connect(url)

    explanation = client.explain("sentiment", TEXT, request_id="why-7")

    assert replace(explanation.answer, request_id="") == replace(client.predict("sentiment", TEXT), request_id="")
    assert explanation.answer.request_id == "why-7"
    assert (explanation.target, explanation.complete) == (explanation.answer.label, True)
    assert explanation.score == explanation.answer.score
    assert [part.json["text"] for part in explanation.parts] == ["a", "good", "film,", "very", "bad"]
    total = explanation.base + sum(part.contribution for part in explanation.parts)
    assert total == pytest.approx(explanation.score)
    first, *rest = explanation.strongest(3)
    assert all(abs(first.contribution) >= abs(part.contribution) for part in rest)
    assert (first.field, first.error, len(rest)) == ("text", 0.0, 2)


def test_the_question_goes_along(url: str, connect: Connect) -> None:
    explanation = connect(url).explain(
        "mixed", MIXED.instances[0], head="topics", target="new", method="occlusion", budget=60, version=1
    )

    told = explanation.json
    assert (told["head"], told["target"], told["method"]) == ("topics", "new", "occlusion")
    assert told["evaluations"] <= 60


def test_what_can_not_be_explained_raises(model_server: FakeModelServer, connect: Connect) -> None:
    with gateway(model_server) as url:
        client = connect(url)
        with pytest.raises(errors.InvalidExplanation, match="target: expected one of 'negative', 'positive', got 'x'"):
            client.explain("sentiment", TEXT, target="x")
        with pytest.raises(errors.InvalidInstance):
            client.explain("sentiment", {"text": 5})
    with gateway(model_server, explain_budget=0) as url, pytest.raises(errors.NoExplanations):
        connect(url).explain("sentiment", TEXT)


@pytest.mark.parametrize(
    ("explanation", "told"),
    [
        (b"5", "explanation: an object"),
        (b'{"score": 1, "base": "low"}', "base: a number"),
        (b'{"score": 1, "base": 0.5, "parts": [7]}', "parts: objects"),
        (b'{"score": 1, "base": 0.5, "parts": [{"contribution": 0.5, "error": "x", "field": "a"}]}', "error: a number"),
    ],
)
def test_a_reply_that_is_none_is_refused(connect: Connect, explanation: bytes, told: str) -> None:
    body = b'{"model": "sentiment", "version": 1, "prediction": {}, "explanation": %s}' % explanation
    typed = {"Content-Type": "application/json"}
    with scripted((200, typed, body)) as script, pytest.raises(UnexpectedReply, match=told):
        connect(script.url).explain("sentiment", TEXT)
