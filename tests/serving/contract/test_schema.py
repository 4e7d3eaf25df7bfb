"""The schema that clients are given and the checks that instances pass: both must say the same."""

import base64
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract import Contract, InstanceLimits
from serving.contract.encoders import Encoder, Picture, Text
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from serving.errors import InvalidInstance
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract

LIMITS = InstanceLimits(text_characters=12, image_pixels=1000, image_bytes=200)
TOLERANT = tabular_contract("tolerant", missing="mean")
CONTRACTS = [contract.limited(LIMITS) for contract in (text_contract(), tabular_contract(), TOLERANT)]
ids = {"ids": lambda contract: contract.model}

EDGES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=14)
) | st.sampled_from([1e30, -1e30, 1.0000001e30, 10**30, 10**31, " ", "\t\n", "\u00a0", "\ufeff", "\x85", "x" * 13])


def instances(contract: Contract) -> st.SearchStrategy[Any]:
    """Objects with the right and a wrong field, and anything else."""
    fields = dict.fromkeys(contract.record.fields, EDGES)
    return st.fixed_dictionaries(fields, optional={"other": EDGES}) | st.dictionaries(st.text(), EDGES) | EDGES


def accepts(contract: Contract, instance: Any) -> bool:
    try:
        contract.decode([instance])
    except InvalidInstance:
        return False
    return True


@pytest.mark.parametrize("contract", CONTRACTS, **ids)
def test_the_schema_and_the_checks_agree(contract: Contract) -> None:
    schema = jsonschema_rs.Draft202012Validator(contract.record.schema)
    seen = set()

    @settings(max_examples=400)
    @given(instances(contract))
    def agreed(instance: Any) -> None:
        taken = accepts(contract, instance)
        assert schema.is_valid(instance) == taken
        seen.add(taken)

    agreed()
    assert seen == {True, False}


@given(st.binary(max_size=201) | st.sampled_from([png(9), png(9) * 3]), st.booleans())
def test_no_schema_can_say_which_text_is_a_picture_but_all_pictures_fit_it(data: bytes, padded: bool) -> None:
    contract = image_contract().limited(LIMITS)
    text = base64.b64encode(data).decode()
    instance = {"image": text if padded else text.rstrip("=")}
    schema = jsonschema_rs.Draft202012Validator(contract.record.schema)
    assert schema.is_valid(instance) or not accepts(contract, instance)


@pytest.mark.parametrize("size", [(1, 1), (12, 10), (30, 33)])
def test_pictures_that_are_taken_fit_the_schema(size: tuple[int, int]) -> None:
    contract = image_contract().limited(LIMITS)
    instance = {"image": base64.b64encode(png(7, size)).decode()}
    assert accepts(contract, instance)
    jsonschema_rs.Draft202012Validator(contract.record.schema).validate(instance)


@pytest.mark.parametrize("contract", [text_contract(), tabular_contract(), TOLERANT, image_contract()], **ids)
def test_schemas_are_valid_and_their_examples_fit(contract: Contract) -> None:
    schema = contract.record.schema
    jsonschema_rs.meta.validate(schema)
    for example in contract.examples:
        jsonschema_rs.Draft202012Validator(schema).validate(example.instance)


@pytest.mark.parametrize(
    ("encoder", "value", "message"),
    [
        (Text(KerasWords((), 4), 4), "x" * 13, "expected at most 12 characters, got 13"),
        (Picture(8, 8), b"x" * 201, "expected a file of at most 200 bytes, got 201"),
        (Picture(8, 8), png(0, (40, 26)), "expected at most 1,000 pixels, got 40x26"),
        (Picture(8, 8, max_pixels=9), png(0, (5, 2)), "expected at most 9 pixels, got 5x2"),
    ],
)
def test_what_is_over_a_limit_is_refused(encoder: Encoder, value: Any, message: str) -> None:
    faults = Faults()
    encoder.limited(LIMITS).read([value], faults)
    assert [str(fault) for fault in faults.first] == [message]


def test_limits_change_nothing_else() -> None:
    for contract in (text_contract(), tabular_contract(), image_contract()):
        assert contract.limited(LIMITS).record.specs == contract.record.specs
        assert contract.limited(InstanceLimits(10**7, 50_000_000, 10**8)).to_json() == contract.to_json()
