"""What each output of the model answers: chosen by what was asked for, and by the outputs of the examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.contract import Answers
from serving.contract.arrays import Array
from serving.contract.heads import Head, Labels, TagSet, Value, Values, Vector
from training.importing.errors import CannotImport
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, REGRESSION, VALUES, MultiOutput

_TOP = 5
_SUM_TOLERANCE = 0.02
"""By how much a sum of probabilities in half precision may be off."""
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class Asked:
    """The *names* that an *option* gives to the numbers of an output."""

    option: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """A head, and which columns of the flattened output it reads: all from *first* on."""

    head: Head
    first: int = 0


def read_names(option: str, given: str) -> tuple[str, ...]:
    """Return names divided by commas, or the lines of a file: `@labels.txt`. Raises CannotImport."""
    names = given.split(",")
    if given.startswith("@"):
        path = Path(given[1:])
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise CannotImport(f"--{option}: {path}: expected at most {_MOST_BYTES:,} bytes of names, got more")
            names = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotImport(
                f"--{option}: expected a file with a name on each line, can't read {path}: {error}"
            ) from error
    stripped = tuple(name.strip() for name in names)
    if "" in stripped or len(set(stripped)) < len(stripped):
        raise CannotImport(f"--{option}: expected names that differ and are not empty, got {', '.join(stripped)[:200]}")
    return stripped


def asked_of(outputs: Sequence[str], given: Mapping[str, Sequence[str]]) -> dict[str, Asked]:
    """Return what is asked of each output by *given*: option -> its values, each `a,b` or `OUTPUT=a,b`.

    Raises CannotImport for an output that there is not, or that nobody names.
    """
    asked: dict[str, Asked] = {}
    for option, values in given.items():
        for value in values:
            output, equals, names = value.partition("=")
            if len(outputs) == 1 and (not equals or output not in outputs):
                output, names = outputs[0], value
            if output not in outputs:
                raise CannotImport(
                    f"--{option}: expected one of the model's outputs, as in --{option} {outputs[0]}=a,b, got "
                    f"'{value[:60]}': there are {', '.join(outputs)}"
                )
            if output in asked:
                raise CannotImport(f"--{option}: expected one of --labels, --tags and --values for '{output}', got two")
            asked[output] = Asked(option, read_names(option, names))
    return asked


def choose(name: str, output: Array, asked: Asked | None) -> Taken:
    """Return the head of an output, whose values for the examples are *output*. Raises CannotImport."""
    if output.dtype.kind not in "fiub":
        raise CannotImport(f"output '{name}': expected numbers, got {output.dtype}: save the model without that output")
    flat = output.reshape(len(output), -1).astype(np.float64)
    if len(broken := np.flatnonzero(~np.isfinite(flat).all(axis=1))):
        raise CannotImport(f"output '{name}': expected finite numbers, got some that are not for row {broken[0]}")
    if asked is None:
        return Taken(Value("") if flat.shape[1] == 1 else Vector(flat.shape[1]))
    width, count = flat.shape[1], len(asked.names)
    fits = count == width or (asked.option == "labels" and (width, count) == (1, 2))
    if not fits:
        wanted = "two labels, for 0 and 1" if asked.option == "labels" and width == 1 else f"{width:,} names"
        raise CannotImport(f"--{asked.option}: output '{name}' has {width:,} numbers: expected {wanted}, got {count:,}")
    if asked.option == "values":
        return Taken(Values(asked.names, ("",) * count))
    _check_scores(name, flat, asked)
    if asked.option == "tags":
        return Taken(TagSet(asked.names, (0.5,) * count))
    return Taken(Labels(asked.names, min(count, _TOP)), first=1 if width == 2 else 0)


def _check_scores(name: str, flat: Array, asked: Asked) -> None:
    row = np.flatnonzero(((flat < 0) | (flat > 1)).any(axis=1))
    if len(row):
        last = "softmax" if asked.option == "labels" and flat.shape[1] > 1 else "sigmoid"
        raise CannotImport(
            f"--{asked.option}: output '{name}': expected scores from 0 to 1, got {_shown(flat[row[0]])} for row "
            f"{row[0]}: add a layer keras.layers.Activation('{last}') at the model's end and save it again, or import "
            "it with --values"
        )
    row = np.flatnonzero(np.abs(flat.sum(axis=1) - 1) > _SUM_TOLERANCE)
    if asked.option == "labels" and flat.shape[1] > 1 and len(row):
        raise CannotImport(
            f"--labels: output '{name}': expected scores that add up to 1, got {_shown(flat[row[0]])} for row "
            f"{row[0]}: if several may hold at once, say --tags"
        )


def is_softmax(output: Array) -> bool:
    """Return whether each row has several scores from 0 to 1 that add up to 1."""
    flat = output.reshape(len(output), -1).astype(np.float64)
    is_score = bool(((flat >= 0) & (flat <= 1)).all())
    return flat.shape[1] > 1 and is_score and bool((np.abs(flat.sum(axis=1) - 1) <= _SUM_TOLERANCE).all())


def _shown(numbers: Array) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")


def answers_of(taken: Mapping[str, Taken]) -> Answers:
    """Return the answers of all heads; each has the name of its output."""
    if len(taken) == 1:
        ((output, only),) = taken.items()
        return Answers.single(only.head, output)
    return Answers({name: each.head for name, each in taken.items()}, {name: name for name in taken})


def problem_of(answers: Answers) -> str:
    """Return the type of problem that *answers* solve, as a training job would name it."""
    if not answers.only:
        return MultiOutput.name
    if isinstance(answers.only, Labels):
        return (BINARY if len(answers.only.names) == 2 else MULTICLASS).name
    kinds = {TagSet: MULTILABEL.name, Value: REGRESSION.name, Values: VALUES.name}
    return kinds.get(type(answers.only), answers.only.kind)
