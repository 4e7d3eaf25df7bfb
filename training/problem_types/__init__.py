"""Types of problems: how each is trained and measured."""

from training.problem_types.classes import (
    BALANCED_BINARY,
    BALANCED_MULTICLASS,
    BINARY,
    MULTICLASS,
    MULTILABEL,
    Classes,
    Multilabel,
)
from training.problem_types.problem import Problem
from training.problem_types.several import MultiOutput
from training.problem_types.values import (
    QUANTILES,
    REGRESSION,
    STANDARDISED_REGRESSION,
    UNIT_REGRESSION,
    VALUES,
    Quantiles,
    Regression,
)

__all__ = [
    "BALANCED_BINARY",
    "BALANCED_MULTICLASS",
    "BINARY",
    "MULTICLASS",
    "MULTILABEL",
    "QUANTILES",
    "REGRESSION",
    "STANDARDISED_REGRESSION",
    "UNIT_REGRESSION",
    "VALUES",
    "Classes",
    "MultiOutput",
    "Multilabel",
    "Problem",
    "Quantiles",
    "Regression",
]
