"""Replaying a contract's examples: at export, when the gateway admits a version, and by `plumbline verify`."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from serving.contract.answers import Outputs
from serving.contract.arrays import Array, Features
from serving.contract.contract import Contract, ParityExample
from serving.errors import ParityError, shown

Predict = Callable[[Features], Outputs]
"""Features of a batch -> the model's outputs."""


def check_parity(contract: Contract, predict: Predict) -> None:
    """Raise ParityError unless raw -> features -> outputs gives for each example what training computed.

    Features must be equal; outputs within the contract's tolerance, and of the same answer, such as a label. The
    answers must be those that the examples hold.
    """
    features = contract.features([example.instance for example in contract.examples])
    for index, example in enumerate(contract.examples):
        _check_features(contract, index, example, features)
    outputs = predict(features)
    if problem := contract.answers.problem(outputs, len(contract.examples)):
        raise ParityError(contract.model, 0, problem)
    expected = {
        name: np.stack([example.outputs[name] for example in contract.examples]) for name in contract.answers.specs
    }
    for name in expected:
        _check_output(contract, name, outputs[name], expected[name])
    if differing := contract.answers.differing(outputs, expected):
        raise ParityError(contract.model, differing[0], "the label is another")
    for index, (example, answer) in enumerate(zip(contract.examples, contract.answers.make(outputs), strict=True)):
        if example.answer is not None and (difference := answer_difference(example.answer, answer, contract.tolerance)):
            raise ParityError(contract.model, index, difference)


def answer_difference(expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: float) -> str:
    """Return how the answer *got* differs from what training computed; empty if it agrees."""
    if expected.keys() != got.keys():
        return f"the answer has {', '.join(got)}, training's {shown(list(expected))}"
    for name, value in expected.items():
        if not _agree(value, got[name], tolerance):
            return f"'{name}' is {shown(got[name])}, training computed {shown(value)}"
    return ""


def _agree(expected: Any, got: Any, tolerance: float) -> bool:
    """Compare numbers within the tolerance. Of scores by label, only common ones count: ties may swap the last."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(
            _agree(expected[key], got[key], tolerance) for key in expected.keys() & got
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(expected) == len(got)
            and all(_agree(one, other, tolerance) for one, other in zip(expected, got, strict=True))
        )
    if isinstance(expected, float):
        return isinstance(got, int | float) and math.isclose(expected, got, rel_tol=1e-6, abs_tol=tolerance)
    return bool(expected == got)


def _check_features(contract: Contract, index: int, example: ParityExample, features: Features) -> None:
    for name, expected in example.features.items():
        got = features[name][index, ...]  # an array even where one value is a text
        if got.dtype != expected.dtype or got.shape != expected.shape:
            raise ParityError(contract.model, index, f"feature '{name}' is {got.dtype}{list(got.shape)}")
        wrong = np.argwhere(got != expected)
        if len(wrong):
            place = tuple(wrong[0].tolist())
            difference = f"{len(wrong)} values differ, first at {place}: {got[place]} for {expected[place]}"
            raise ParityError(contract.model, index, f"feature '{name}': {difference}")


def _check_output(contract: Contract, name: str, outputs: Array, expected: Array) -> None:
    if outputs.shape != expected.shape:
        raise ParityError(contract.model, 0, f"the {name} have shape {outputs.shape}, expected {expected.shape}")
    for index, (got, want) in enumerate(zip(outputs, expected, strict=True)):
        distance = float(np.max(np.abs(got - want), initial=0.0))
        if not distance <= contract.tolerance:  # written so that NaN fails too
            raise ParityError(contract.model, index, f"{name} are off by {distance:g} (> {contract.tolerance:g})")
