"""The lite form that a job publishes beside its model, and what that loses."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from serving.contract import Contract, check_parity
from serving.contract.answers import Outputs
from serving.errors import ParityError
from training.data.features import prepare
from training.experiments.evaluation import Experiment, Fitted
from training.publishing.lite import Lite, Original, Weights, feature_batches, lite_engine, lite_of, pieces_of

_SPARE = 1.25
"""Of quantised weights: what their scores may be off by, for the largest difference that was seen."""


@dataclass(frozen=True)
class LiteForm:
    """The content of the file, or None, one line about it, and the contract that vouches for it."""

    document: bytes | None
    told: str
    contract: Contract


def lite_form(experiment: Experiment, fitted: Fitted, contract: Contract, weights: Weights) -> LiteForm:
    """Convert what was *fitted*, and admit it by training rows and by the parity examples of *contract*."""
    original = Original(fitted.graph, fitted.lite_graph, contract.answers, contract.tolerance)
    lite = lite_of(original, feature_batches(fitted.record, experiment.data.train.instances), weights)
    if lite.document is None:
        return LiteForm(None, lite.told, _with(contract, lite.facts))
    told = lite.told
    if weights != "float32":
        contract = replace(contract, tolerance=max(contract.tolerance, _SPARE * lite.facts["largest_difference"]))
        told += "; " + _loss(experiment, fitted, lite.document)
    try:
        check_parity(contract, lite_engine(lite.document).compute)
    except ParityError as error:
        left_out = Lite(None, {"left_out": error.problem})
        return LiteForm(None, left_out.told, _with(contract, left_out.facts))
    return LiteForm(lite.document, told, _with(contract, lite.facts))


def _with(contract: Contract, facts: Any) -> Contract:
    return replace(contract, provenance={**contract.provenance, "lite": dict(facts)})


def _loss(experiment: Experiment, fitted: Fitted, document: bytes) -> str:
    """Return each metric on the test rows, as LiteRT computes them and as TensorFlow does."""
    test, engine = experiment.data.test, lite_engine(document)
    pieces = [engine.compute(piece) for piece in pieces_of(prepare(fitted.record, test.instances))]
    lite = _measured(experiment, {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]})
    whole = _measured(experiment, fitted.outputs(test.instances))
    return ", ".join(f"{name} on the test rows {lite[name]:.4f} instead of {whole[name]:.4f}" for name in whole)


def _measured(experiment: Experiment, outputs: Outputs) -> dict[str, float]:
    """Return the metric of each head on the test rows, by the metric's name and, if there are several, the head's."""
    scores, several = experiment.by_head(outputs), len(experiment.problems) > 1
    return {
        f"{head} {problem.metric}" if several else problem.metric: problem.measure(
            experiment.data.test.targets_of(head), scores[head]
        )
        for head, problem in experiment.problems.items()
    }
