"""Replaying a contract's examples: at export, when the gateway admits a version, and by `plumbline verify`."""

from collections.abc import Callable

import numpy as np

from serving.contract.answers import Outputs
from serving.contract.arrays import Array, Features
from serving.contract.contract import Contract, ParityExample
from serving.errors import ParityError

Predict = Callable[[Features], Outputs]
"""Features of a batch -> the model's outputs."""


def check_parity(contract: Contract, predict: Predict) -> None:
    """Raise ParityError unless raw -> features -> outputs gives for each example what training computed.

    Features must be equal; outputs within the contract's tolerance, and of the same answer, such as a label.
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
