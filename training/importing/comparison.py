"""Whether an export answers every example as the original does."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.contract import Answers, Features
from serving.contract.arrays import Array
from training.experiments.served_graph import outputs_of
from training.importing.errors import CannotImport

_SINGLES = 3
_RELATIVE, _OF_GREATEST = 1e-4, 1e-5
_TOLERANCE, _SHARE = 1e-3, 1e-5


def tolerance_for(expected: Mapping[str, Array]) -> float:
    """Return by how much served outputs may be off: of large numbers, float32 itself has fewer digits."""
    greatest = max(float(np.abs(output).max(initial=0.0)) for output in expected.values())
    return max(_TOLERANCE, _SHARE * greatest)


def compare_export(folder: Path, answers: Answers, features: Features, expected: Mapping[str, Array]) -> None:
    """Load the export in *folder*, and compare it with the original's outputs *expected* for all examples.

    The first few are also asked one by one: a model whose rows depend on each other would answer these otherwise.
    Raises CannotImport with the first row that differs.
    """
    loaded = tf.saved_model.load(str(folder))  # referenced here: its variables live only as long as it does
    serve = loaded.signatures["serving_default"]

    def ask(first: int, end: int | None) -> Mapping[str, Array]:
        rows = {name: array[first:end] for name, array in features.items()}
        return outputs_of(lambda tensors: serve(**tensors), rows)

    compare(answers, ask(0, None), expected, 0)
    count = len(next(iter(expected.values())))
    for row in range(min(_SINGLES, count)):
        compare(answers, ask(row, row + 1), {name: array[row : row + 1] for name, array in expected.items()}, row)


def compare(answers: Answers, served: Mapping[str, Array], expected: Mapping[str, Array], first: int) -> None:
    """Raise CannotImport for the first row of *served*, whose number is from *first* on, that is not as *expected*."""
    for name, wanted in expected.items():
        allowed = _RELATIVE * np.abs(wanted) + _OF_GREATEST * np.abs(wanted).max(initial=0.0)
        wrong = np.argwhere(~(np.abs(served[name] - wanted) <= allowed))  # written so that NaN counts
        if len(wrong):
            row, column = wrong[0].tolist()
            got, want = served[name][row, column], wanted[row, column]
            raise CannotImport(
                f"refused: for row {first + row} the served graph gives {got:.7g} in '{name}', the model's own predict "
                f"{want:.7g}: its layers compute something else when served, or for other rows beside them"
            )
    if differing := answers.differing(served, expected):
        raise CannotImport(f"refused: for row {first + differing[0]} the served label is another than the model's own")
