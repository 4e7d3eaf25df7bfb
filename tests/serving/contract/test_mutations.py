"""Contracts with one thing changed: each is refused as it is read, or works. No request meets the fault later."""

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.contract import Contract, InstanceLimits, check_parity
from serving.contract.reference import Measures
from serving.errors import ContractError, PredictionError
from tests.serving.contract.mutating import (
    ADMITTED,
    DOCUMENTS,
    DOUBLED,
    ODD,
    REFUSED,
    REMOVED,
    REVERSED,
    SHORTER,
    Place,
    changed,
    places,
    run,
)

NUMBER = DOCUMENTS["of_number"]["fields"][0]


def use(contract: Contract, instances: list[Any]) -> None:
    """What serving does with a contract; errors of ours about *instances* are right, others are not."""
    try:
        measured = _outputs_of(contract, instances)
    except PredictionError:
        return
    if contract.reference:
        contract.reference.count(measured)


def _outputs_of(contract: Contract, instances: list[Any]) -> Measures:
    features = contract.features(instances)
    for name, spec in contract.record.specs.items():
        for row in range(len(instances)):
            spec.check_row(features[name][row, ...])
    outputs = {name: _quarter(spec, len(instances)) for name, spec in contract.answers.specs.items()}
    assert contract.answers.problem(outputs, len(instances)) is None
    answers = contract.answers.make(outputs)
    json.dumps(answers, allow_nan=False).encode()
    assert [list(contract.answers.flat(answer)) for answer in answers] == [[*contract.answers.columns]] * len(answers)
    assert set(contract.answers.names_in(answers)) <= _listed_names(contract)
    measures = contract.record.measured(contract.decode(instances))[1]
    return Measures.side_by_side([measures, contract.answers.measured(outputs)])


def _listed_names(contract: Contract) -> set[str]:
    heads = contract.answers.heads.items()
    return {str(name) for _, head in heads for name in getattr(head, "names", ())} | {
        f"{prefix}.{name}" for prefix, head in heads for name in getattr(head, "names", ())
    }


def _quarter(spec: Any, count: int) -> Any:
    return np.full((count, *spec.shape[1:]), 0.25, spec.numpy)


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_contract_is_refused_as_one_or_works(name: str, data: st.DataObject) -> None:
    document = DOCUMENTS[name]
    at = data.draw(st.sampled_from([*places(document)]), "place")
    how = data.draw(st.sampled_from([*ODD, REMOVED, DOUBLED, SHORTER, REVERSED]), "change")
    try:
        contract = Contract.from_json(json.dumps(changed(document, at, how)))
    except ContractError:
        return
    contract = contract.limited(InstanceLimits(1000, 1_000_000, 1_000_000))
    use(contract, [example["instance"] for example in document["parity"]["examples"]])
    use(contract, [dict(example.instance) for example in contract.examples])
    with suppress(PredictionError):
        check_parity(contract, lambda features: _all_quarters(contract))
    json.dumps([contract.record.schema, contract.answers.schema, contract.answers.facts], allow_nan=False).encode()
    Contract.from_json(contract.to_json().encode())


def _all_quarters(contract: Contract) -> dict[str, Any]:
    return {name: _quarter(spec, len(contract.examples)) for name, spec in contract.answers.specs.items()}


@pytest.mark.parametrize(
    ("name", "at", "how", "told"),
    [
        ("schema_1_text", ("output", "names", 0), ["a"], "/output/names/0: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "names", 0), ["a"], "/heads/0/names/0: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "kind"), ["a"], "/heads/0/kind: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "output"), 1, "/heads/0/output: expected a text, got 1"),
        ("schema_1_image", ("preprocessor", "max_pixels"), "x", "/preprocessor/max_pixels: expected a whole number"),
        ("of_image", ("fields", 0, "max_pixels"), "x", "/fields/0/max_pixels: expected a whole number, got 'x'"),
        ("of_number", ("fields", 0), {**NUMBER, "package": "x"}, "/fields/0/package: expected an object, got 'x'"),
        ("of_number", ("fields",), [], "/fields: expected at least one, got none"),
        (
            "of_number",
            ("fields",),
            DOUBLED,
            "/fields/1/name: expected names that differ from each other, got 'x' twice",
        ),
        ("of_number", ("inputs", 0, "fields"), [], "/inputs/0/fields: expected at least one, got none"),
        ("to_tags", ("heads",), DOUBLED, "/heads/1/name: expected names that differ from each other, got 'answer'"),
        (
            "schema_1_text",
            ("parity", "examples", 0, "features"),
            [],
            "/parity/examples/0/features: expected an object, got []",
        ),
        ("of_date", ("parity", "examples", 1, "features"), {}, "/parity/examples/1/features: expected given, got []"),
        (
            "of_date",
            ("parity", "examples", 0, "outputs", "risk", "dtype"),
            "S3",
            "/parity/examples/0/outputs/risk/dtype: expected one of bool",
        ),
        (
            "of_date",
            ("parity", "examples", 0, "instance"),
            "x",
            "/parity/examples/0/instance: expected an object, got 'x'",
        ),
        ("of_date", ("parity", "examples"), [], "/parity/examples: expected at least one, got none"),
        ("of_date", ("parity", "tolerance"), None, "/parity/tolerance: expected a number, got nothing"),
        (
            "of_date",
            ("parity", "tolerance"),
            float("nan"),
            "not a contract: expected finite numbers, got NaN",
        ),
        ("of_date", ("parity", "tolerance"), -1, "/parity/tolerance: expected a number of at least 0, got -1"),
        ("of_tags", ("fields", 0, "values", 1), 5, "/fields/0/values/1: expected a string, got 5"),
        ("of_text_keras", ("fields", 0, "tokenizer", "words"), 5, "/fields/0/tokenizer/words: expected a text, got 5"),
        (
            "of_date",
            ("fields", 0, "scalings", 0, "divisor"),
            0,
            "/fields/0/scalings/0/divisor: expected a number above",
        ),
        ("of_padded", ("fields", 0, "padding", "pad"), "x", "/fields/0/padding/pad: expected one of beginning, end"),
        (
            "schema_1_text",
            ("parity", "examples", 1, "scores"),
            3,
            "/parity/examples/1/scores: expected an object, got 3",
        ),
        ("schema_1_text", ("preprocessor", "words"), [3], "/preprocessor/words: expected a text, got [3]"),
        ("schema_1_image", ("preprocessor", "mode"), "?", "/preprocessor/mode: expected RGB or L, got '?'"),
        ("of_date", ("model",), "", "/model: expected a text, got an empty one"),
        ("of_date", ("provenance",), None, "/provenance: expected an object, got nothing"),
        ("of_date", ("reference", "columns", 0, "low"), "x", "/reference/columns/0/low: expected a number, got 'x'"),
        (
            "of_date",
            ("schema",),
            3,
            "/schema: expected contract schema 1 to 2, got 3: train the model again, or update",
        ),
        ("of_date", (), None, "not a contract: expected an object, got nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name: str, at: Place, how: Any, told: str) -> None:
    with pytest.raises(ContractError) as raised:
        Contract.from_json(json.dumps(changed(DOCUMENTS[name], at, how)))
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("document", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"schema": 2, "model": "\\ud800"}'])
def test_bytes_that_are_no_json_are_no_contract(document: bytes) -> None:
    with pytest.raises(ContractError, match=r"^not a contract: "):
        Contract.from_json(document)


def test_changed_contracts_are_refused_with_their_place_or_admitted_and_answered_by_a_gateway() -> None:
    judged, failures = run(count=250, seed=22)

    assert failures == []
    assert judged[REFUSED] > 100
    assert judged[ADMITTED] > 10
