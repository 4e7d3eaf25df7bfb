"""Replaying a contract's examples: at export, when the gateway admits a version, and by `plumbline verify`."""

from collections.abc import Callable

import numpy as np

from serving.contract.arrays import Array, Features
from serving.contract.contract import Contract, ParityExample
from serving.contract.outputs import Labels
from serving.errors import ParityError

Predict = Callable[[Features], Array]
"""Features of a batch -> `scores: float32[batch, width]`."""


def check_parity(contract: Contract, predict: Predict) -> None:
    """Raise ParityError unless raw -> features -> scores gives for each example what training computed.

    Features must be equal; scores within the contract's tolerance, and of the same label.
    """
    features = contract.features([example.instance for example in contract.examples])
    for index, example in enumerate(contract.examples):
        _check_features(contract, index, example, features)
    scores = np.asarray(predict(features))
    expected = np.stack([example.scores for example in contract.examples])
    _check_scores(contract, scores, expected)


def _check_features(contract: Contract, index: int, example: ParityExample, features: Features) -> None:
    for name, expected in example.features.items():
        got = features[name][index]
        if got.dtype != expected.dtype or got.shape != expected.shape:
            raise ParityError(contract.model, index, f"feature '{name}' is {got.dtype}{list(got.shape)}")
        wrong = np.argwhere(got != expected)
        if len(wrong):
            place = tuple(wrong[0].tolist())
            difference = f"{len(wrong)} values differ, first at {place}: {got[place]} for {expected[place]}"
            raise ParityError(contract.model, index, f"feature '{name}': {difference}")


def _check_scores(contract: Contract, scores: Array, expected: Array) -> None:
    if scores.shape != expected.shape:
        raise ParityError(contract.model, 0, f"scores have shape {scores.shape}, expected {expected.shape}")
    for index, (got, want) in enumerate(zip(scores, expected, strict=True)):
        distance = float(np.max(np.abs(got - want)))
        if not distance <= contract.tolerance:  # written so that NaN fails too
            raise ParityError(contract.model, index, f"scores are off by {distance:g} (> {contract.tolerance:g})")
    if isinstance(contract.output, Labels):
        differing = np.flatnonzero(contract.output.indices(scores) != contract.output.indices(expected))
        if len(differing):
            raise ParityError(contract.model, int(differing[0]), "the label is another")
