"""What may be true of answers, as OpenAPI describes it, is what the gateway takes."""

from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest

from serving.contract import Answers, Contract
from serving.contract.heads import Interval, Labels, TagSet, Values, Vector
from serving.gateway.openapi.components import Components, Types
from serving.gateway.openapi.schemas import compared, feedback_request, true_example
from serving.truth.comparing import misfit
from tests.serving.contracts import text_contract

HEADS = {
    "risk": Labels(("low", "high"), 2),
    "topics": TagSet(("a", "b", "c"), (0.5, 0.5, 0.5)),
    "price": Interval("USD", 0.9),
    "where": Values(("x", "y"), ("m", "m")),
}


def contract(*names: str) -> Contract:
    heads = {name: HEADS[name] for name in names}
    answers = Answers(heads, {name: name for name in heads}) if len(heads) > 1 else Answers.single(*heads.values())
    return replace(text_contract(), answers=answers)


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("risk",), "middle"),
        (("topics",), ["a", "a"]),
        (("price",), "24"),
        (("where",), {}),
        (("where",), {"z": 1}),
        (tuple(HEADS), {"risk": "middle"}),
        (tuple(HEADS), {}),
    ],
)
def test_the_example_fits_and_what_does_not_is_refused_by_both(names: tuple[str, ...], wrong: Any) -> None:
    described = contract(*names)
    components = Components({})
    schema = feedback_request(described, Types(described, components, "loans"), 5)
    valid = jsonschema_rs.Draft202012Validator({**schema, "components": {"schemas": components.schemas}})

    def item(truth: Any) -> dict[str, Any]:
        return {"feedback": [{"request_id": "a-1", "truth": truth}]}

    assert valid.is_valid(item(true_example(described)))
    assert misfit(described.answers, true_example(described)) is None
    assert not valid.is_valid(item(wrong))
    assert misfit(described.answers, wrong) is not None


def test_answers_without_a_truth_are_left_out() -> None:
    answers = Answers({"text": Vector(2), "risk": HEADS["risk"]}, {"text": "t", "risk": "r"})

    assert [*compared(replace(text_contract(), answers=answers))] == ["risk"]
    assert compared(replace(text_contract(), answers=Answers.single(Vector(2)))) == {}
