from dataclasses import replace

from serving.contract import Answers
from serving.contract.heads import Labels, Value
from serving.truth.expected import of_test_rows
from tests.serving.contracts import text_contract


def test_the_only_head_has_the_measures_of_the_test_rows() -> None:
    evaluation = {"metric": "balanced_accuracy", "test": {"accuracy": 0.9, "rows": 200, "auc": 0.95, "mae": "odd"}}

    assert of_test_rows(replace(text_contract(), evaluation=evaluation)) == {("", "accuracy"): 0.9}


def test_each_of_several_heads_has_its_own() -> None:
    heads = {"risk": Labels(("low", "high"), 2), "price": Value("")}
    evaluation = {"test": {"accuracy": 0.8}, "heads": {"price": {"test": {"mae": 2.5}}}}
    contract = replace(text_contract(), answers=Answers(heads, {"risk": "r", "price": "p"}), evaluation=evaluation)

    assert of_test_rows(contract) == {("risk", "accuracy"): 0.8, ("price", "mae"): 2.5}
