import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving.contract import Answers, Contract, Measures, Record, Reference
from serving.contract.arrays import Features
from serving.contract.encoders import Number, Picture, Text
from serving.contract.encoders.scaling import Scaling
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from serving.contract.heads import Labels, Value
from serving.contract.measuring import fit_reference, input_reference
from serving.contract.reference import MOST_BINS, Continuous
from serving.errors import ContractError
from tests.serving.contracts import png, standard, tabular_contract, text_contract, with_reference

TEXT = Text(KerasWords(tuple("the a of good film bad".split()), num_words=9), length=6)  # `bad` is too rare
WORDS = Record.single("text", TEXT, "ids")


def measured(record: Record, instances: list[dict[str, Any]]) -> tuple[Features, Measures]:
    faults = Faults()
    rows = record.read(instances, faults)
    assert not faults.count
    return record.measured(rows)


def test_bins_hold_their_upper_edge_and_about_the_same_number_of_rows() -> None:
    column = Continuous.fit("size", np.arange(1000.0))
    assert len(column.counts) == MOST_BINS
    assert set(column.counts) == {100.0}
    assert (column.low, column.high) == (0, 999)
    assert column.bins == ("99", "199", "299", "399", "499", "599", "699", "799", "899", "+Inf")
    reference = Reference((column,), ())
    counted = reference.count(Measures(np.array([[99.0], [99.5], [-1], [1e9], [math.nan]]), {}))
    assert counted[0].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("values", [[5.0] * 500, [0.0] * 450 + [1.0] * 50, [math.nan] * 10, [math.nan, 3.0]])
def test_columns_of_few_values_have_few_bins_and_lose_no_row(values: list[float]) -> None:
    column = Continuous.fit("size", np.array(values))
    assert sum(column.counts) == sum(not math.isnan(value) for value in values)
    assert len(column.counts) == len(column.bins) <= 2


def test_texts_are_measured_by_all_their_words() -> None:
    texts = ["The good film, the GOOD film of films!", "zork bad", "good"]
    features, measures = measured(WORDS, [{"text": text} for text in texts])
    assert features["ids"][2].tolist() == [1, 7, 0, 0, 0, 0]
    # `films`, `zork` are unseen and `bad` is rare; the first text is longer than what the model takes of it.
    assert measures.values.tolist() == [[8, pytest.approx(1 / 8)], [2, 1], [1, 0]]
    assert measures.totals["vocabulary"].sum() == pytest.approx((5 + 0 + 1) / 5)
    assert dict(zip(WORDS.categories["vocabulary"], measures.totals["vocabulary"] * 5, strict=True))["good"] == 3


def test_tables_are_measured_in_their_own_units() -> None:
    record = Record.packed({"rooms": standard(6.0, 1.0, "mean"), "age": standard(50.0, 20.0, "mean")}, "features")
    features, measures = measured(record, [{"rooms": 7.0}])
    assert features["features"].tolist() == [[1, 0]]
    assert np.array_equal(measures.values, [[7.0, math.nan]], equal_nan=True)


@pytest.mark.parametrize("encoder", [Picture(8, 8), Picture(224, 224), Picture(28, 28, colour="L")])
def test_pictures_are_measured_by_size_brightness_and_contrast(encoder: Picture) -> None:
    half = np.zeros((300, 200, 3), np.uint8)
    half[:, 100:] = 255
    file = io.BytesIO()
    Image.fromarray(half).save(file, "JPEG")
    record = Record.single("image", encoder, "image")
    _, measures = measured(record, [{"image": data} for data in (png(51), file.getvalue())])
    even, halves = measures.values
    assert even == pytest.approx([120, 0.2, 0], abs=0.01)
    assert halves == pytest.approx([60_000, 0.5, 0.5], abs=0.06)  # also where the JPEG was decoded at a quarter


def test_a_large_jpeg_has_its_own_size_though_it_is_decoded_at_less() -> None:
    file = io.BytesIO()
    Image.new("RGB", (1600, 1200)).save(file, "JPEG")
    record = Record.single("image", Picture(28, 28), "image")
    _, measures = measured(record, [{"image": base64.b64encode(file.getvalue()).decode()}])
    assert measures.values[0, 0] == 1600 * 1200


def test_answers_are_measured_as_they_are_given() -> None:
    two = Labels(("no", "yes"), top=2).measured("", np.array([[0.25], [0.75], [0.875]], np.float32))
    assert two.values.tolist() == [[0.75], [0.75], [0.875]]
    assert two.totals["label"].tolist() == [1, 2]
    value = Value("$").measured("", np.array([[1.5]], np.float32))
    assert (value.values.tolist(), value.totals) == ([[1.5]], {})


def test_the_reference_is_in_the_contracts_json_and_small() -> None:
    contract = with_reference(text_contract())
    again = Contract.from_json(contract.to_json())
    assert again.reference == contract.reference
    assert [feature.name for feature in again.reference.features] == [  # type: ignore[union-attr]
        "words",
        "unknown_ratio",
        "score",
        "vocabulary",
        "label",
    ]
    inputs = input_reference(again)
    assert inputs is not None
    assert [feature.name for feature in inputs.features] == ["words", "unknown_ratio", "vocabulary"]
    assert len(json.dumps(json.loads(contract.to_json())["reference"])) < 3000


def test_a_contract_without_a_reference_is_as_it_was() -> None:
    document = json.loads(tabular_contract().to_json())
    assert "reference" not in document
    assert Contract.from_json(json.dumps(document)).reference is None


def test_a_broken_reference_is_a_broken_contract() -> None:
    document = json.loads(with_reference(text_contract()).to_json())
    document["reference"]["columns"][0]["counts"] = [1, 2, 3, 4]
    with pytest.raises(ContractError, match=r"^/reference/columns/0/counts: expected counts of 2 bins, none below 0"):
        Contract.from_json(json.dumps(document))
    document["reference"]["columns"][0] |= {"edges": [3, 2, 1]}
    with pytest.raises(ContractError, match=r"^/reference/columns/0/edges: expected the bins' edges in order"):
        Contract.from_json(json.dumps(document))
    document["reference"]["columns"] = document["reference"]["columns"][1:]
    with pytest.raises(ContractError, match=r"^/reference: expected a reference of 3 columns"):
        Contract.from_json(json.dumps(document))


def test_an_answers_name_that_a_field_has_too_is_told_apart() -> None:
    record = Record.packed({name: Number(Scaling("none")) for name in ("score", "label")}, "features")
    answers = Answers.single(Labels(("no", "yes"), top=2))
    instances, outputs = [{"score": 1.0, "label": 2.0}] * 10, {"scores": np.zeros((10, 1), np.float32)}
    reference = fit_reference(record, answers, instances, outputs)
    assert [feature.name for feature in reference.features] == ["score", "label", "score_", "label_"]
    _, inputs = measured(record, instances[:1])
    both = Measures.side_by_side([inputs, answers.measured({"scores": outputs["scores"][:1]})])
    assert reference.count(both)[3, :2].tolist() == [1, 0]
