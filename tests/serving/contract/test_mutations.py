"""Contracts with one thing changed: each is refused as it is read, or works. No request meets the fault later."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.contract import Contract, InstanceLimits, check_parity
from serving.contract.reference import Measures
from serving.errors import ContractError, PredictionError
from tests.serving.every_kind import every_kind

PUBLISHED = sorted((Path(__file__).parent / "schema_1").glob("*.json"))
DOCUMENTS: dict[str, Any] = {
    **{f"schema_1_{path.stem}": json.loads(path.read_text("utf-8"))["contract"] for path in PUBLISHED},
    **{kind.name: json.loads(kind.contract.to_json()) for kind in every_kind()},
}
NUMBERS = (0, -1, 1, 1.5, 1e308, 10**30, float("nan"), float("inf"))
ODD = [None, True, *NUMBERS, "", "x", "\ud800", "9" * 5000, [], {}, [[]], [None], [1, 2], ["x", "x"], {"a": 1}]
REMOVED, DOUBLED, SHORTER, REVERSED = "removed", "doubled", "shorter", "reversed"
NUMBER = DOCUMENTS["of_number"]["fields"][0]
Place = tuple[str | int, ...]


def places(document: Any, at: Place = ()) -> Iterator[Place]:
    yield at
    inner = document.items() if isinstance(document, dict) else enumerate(document) if _is_list(document) else ()
    for key, value in inner:
        if (*at, key) not in (("instance", "schema"), ("signature",)):  # which are for people
            yield from places(value, (*at, key))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def changed(document: Any, at: Place, how: Any) -> Any:
    """The document with another value at a place, or its list changed as *how* says."""
    if not at:
        return how
    document = copy.deepcopy(document)
    holder = document
    for key in at[:-1]:
        holder = holder[key]
    old = holder[at[-1]]
    if how == REMOVED:
        del holder[at[-1]]
    elif _is_list(old) and how in (DOUBLED, SHORTER, REVERSED):
        holder[at[-1]] = {DOUBLED: old + old, SHORTER: old[:-1], REVERSED: old[::-1]}[how]
    else:
        holder[at[-1]] = how
    return document


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
        ("schema_1_text", ("output", "names", 0), ["a"], "head 'answer': names: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "names", 0), ["a"], "head 'answer': names: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "kind"), ["a"], "head 'answer': kind: expected a text, got ['a']"),
        ("to_labels", ("heads", 0, "output"), 1, "heads: output: expected a text, got 1"),
        ("schema_1_image", ("preprocessor", "max_pixels"), "x", "field 'image': max_pixels: expected a whole number"),
        ("of_image", ("fields", 0, "max_pixels"), "x", "field 'x': max_pixels: expected a whole number, got 'x'"),
        ("of_number", ("fields", 0), {**NUMBER, "package": "x"}, "field 'x': package: expected an object, got 'x'"),
        ("of_number", ("fields",), [], "not a contract: fields: expected at least one, got none"),
        ("of_number", ("fields",), DOUBLED, "fields: name: expected names that differ from each other, got 'x' twice"),
        ("of_number", ("inputs", 0, "fields"), [], "inputs: fields: expected at least one, got none"),
        ("to_tags", ("heads",), DOUBLED, "heads: name: expected names that differ from each other, got 'answer' twice"),
        ("schema_1_text", ("parity", "examples", 0, "features"), [], "example 0: features: expected an object, got []"),
        ("of_date", ("parity", "examples", 1, "features"), {}, "example 1: features: expected given, got []"),
        ("of_date", ("parity", "examples", 0, "outputs", "risk", "dtype"), "S3", "example 0: outputs: risk: dtype: "),
        ("of_date", ("parity", "examples", 0, "instance"), "x", "example 0: instance: expected an object, got 'x'"),
        ("of_date", ("parity", "examples"), [], "not a contract: examples: expected at least one, got none"),
        ("of_date", ("parity", "tolerance"), None, "not a contract: tolerance: expected a number, got None"),
        ("of_date", ("parity", "tolerance"), float("nan"), "not a contract: expected finite numbers, got NaN"),
        ("of_date", ("model",), "", "not a contract: model: expected a text, got an empty one"),
        ("of_date", ("provenance",), None, "not a contract: provenance: expected an object, got None"),
        ("of_date", ("reference", "columns", 0, "low"), "x", "reference: low: expected a number, got 'x'"),
        ("of_date", ("schema",), 3, "expected contract schema 1 to 2, got 3: train the model again, or update this"),
        ("of_date", (), None, "not a contract: expected an object, got nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name: str, at: Place, how: Any, told: str) -> None:
    with pytest.raises(ContractError) as raised:
        Contract.from_json(json.dumps(changed(DOCUMENTS[name], at, how)))
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("document", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"schema": 2, "model": "\\ud800"}'])
def test_bytes_that_are_no_json_are_no_contract(document: bytes) -> None:
    with pytest.raises(ContractError, match="not a contract"):
        Contract.from_json(document)
