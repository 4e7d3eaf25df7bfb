"""Answers: the heads of a model together, each reading one of its outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.heads import HEADS
from serving.contract.heads.head import ColumnType, Head
from serving.contract.kinds import kind_to_json, read_kind
from serving.contract.places import place
from serving.contract.reference import Measures, named_apart

SCORES = "scores"
"""The output of a model with one head, unless it says otherwise."""

Outputs = Mapping[str, Array]
"""The model's outputs by name; the first axis of each is the batch."""


@dataclass(frozen=True)
class Answers:
    """Makes the answers of a model with *heads*, by name; *outputs* says which output each of them reads.

    The answer of an only head is the whole answer; several stand in it under their names.
    """

    heads: Mapping[str, Head]
    outputs: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.heads or self.heads.keys() != self.outputs.keys():
            raise ValueError(f"expected an output for each of the heads {', '.join(self.heads)}, at least one")
        for name, output in self.outputs.items():
            if (spec := self.heads[name].output) != self.specs[output]:
                raise ValueError(f"output '{output}': {name} takes {spec}, another head {self.specs[output]}")

    @classmethod
    def single(cls, head: Head, output: str = SCORES) -> "Answers":
        """Return the answers of a model with one head."""
        return cls({"answer": head}, {"answer": output})

    @cached_property
    def only(self) -> Head | None:
        """The only head, None if there are several."""
        return next(iter(self.heads.values())) if len(self.heads) == 1 else None

    @cached_property
    def specs(self) -> dict[str, TensorSpec]:
        """The outputs' names, types and shapes."""
        return {output: self.heads[name].output for name, output in self.outputs.items()}

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one answer."""
        if self.only:
            return self.only.schema
        return {
            "type": "object",
            "properties": {name: head.schema for name, head in self.heads.items()},
            "required": [*self.heads],
            "additionalProperties": False,
        }

    @property
    def facts(self) -> Mapping[str, Any]:
        """What people first want to know of the answers, by head if there are several."""
        return self.only.facts if self.only else {name: head.facts for name, head in self.heads.items()}

    @cached_property
    def columns(self) -> dict[str, ColumnType]:
        """What a file has of an answer, by column; several heads put their names and an underscore before their own."""
        if self.only:
            return dict(self.only.columns)
        return {f"{name}_{column}": kind for name, head in self.heads.items() for column, kind in head.columns.items()}

    @cached_property
    def column_schemas(self) -> dict[str, dict[str, Any]]:
        """The JSON schema of each of *columns*."""
        if self.only:
            return dict(self.only.schema["properties"])
        return {
            f"{name}_{column}": schema
            for name, head in self.heads.items()
            for column, schema in head.schema["properties"].items()
        }

    def make(self, outputs: Outputs) -> list[dict[str, Any]]:
        """Make an answer of each row."""
        if self.only:
            return self.only.answers(outputs[self._parts[0][2]])
        made = [head.answers(outputs[output]) for _, head, output in self._parts]
        return [dict(zip(self.heads, row, strict=True)) for row in zip(*made, strict=True)]

    def flat(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer as *columns* has it."""
        if self.only:
            return dict(answer)
        return {f"{name}_{column}": value for name in self.heads for column, value in answer[name].items()}

    def names_in(self, answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield all names in *answers* that the schema lists: labels and tags, after the head's name if several."""
        for name, column, is_list in self._listed:
            before, parts = ("", answers) if self.only else (f"{name}.", [answer[name] for answer in answers])
            for part in parts:
                for each in part[column] if is_list else (part[column],):
                    yield f"{before}{each}"

    @cached_property
    def _listed(self) -> list[tuple[str, str, bool]]:
        """The heads and columns whose values are names that the schema lists, and whether they are lists of them."""
        return [
            (name, column, "items" in schema)
            for name, head in self.heads.items()
            for column, schema in head.schema["properties"].items()
            if "enum" in schema.get("items", schema)
        ]

    def problem(self, outputs: Outputs, count: int) -> str | None:
        """Return what is wrong with the outputs of *count* instances, None if nothing is."""
        if problem := self.misfit(outputs, count):
            return problem
        rows = self.not_finite(outputs)
        return f"expected finite numbers of the model, got some that are not for row {rows[0]}" if rows else None

    def misfit(self, outputs: Outputs, count: int) -> str | None:
        """Return which output of *count* instances has another type or shape than the contract's, None if none has."""
        for name, spec in self.specs.items():
            got, shape = outputs.get(name), (count, *spec.shape[1:])
            if got is None or got.dtype != spec.dtype or not _fits(got.shape, shape):
                came = "nothing" if got is None else f"{got.dtype}{list(got.shape)}"
                return f"expected output '{name}' as {spec.dtype}{list(shape)}, got {came}"
        return None

    def not_finite(self, outputs: Outputs) -> list[int]:
        """Return the rows for which the model has no finite numbers, of outputs that fit."""
        rows: set[int] = set()
        for name in self.specs:
            output = outputs[name]
            if output.dtype.kind == "f" and not np.isfinite(output).all():
                rows.update(np.flatnonzero(~np.isfinite(output).reshape(len(output), -1).all(axis=1)).tolist())
        return sorted(rows)

    def differing(self, outputs: Outputs, expected: Outputs) -> list[int]:
        """Return the rows whose answers are another, whatever the numbers."""
        rows = {
            row
            for name, head in self.heads.items()
            for row in head.differing(outputs[self.outputs[name]], expected[self.outputs[name]])
        }
        return sorted(rows)

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The names of the columns of what is measured."""
        return tuple(name for prefix, head, _ in self._parts for name in head.measures(prefix))

    @cached_property
    def categories(self) -> dict[str, Sequence[str]]:
        """The categories of each total that is measured."""
        return named_apart(item for prefix, head, _ in self._parts for item in head.categories(prefix).items())

    def measured(self, outputs: Outputs) -> Measures:
        """Measure the answers that `make` would make."""
        return Measures.side_by_side([head.measured(prefix, outputs[output]) for prefix, head, output in self._parts])

    def to_json(self) -> list[dict[str, Any]]:
        """Return the JSON values of the heads."""
        return [
            {
                "name": name,
                "output": self.outputs[name],
                **kind_to_json(HEADS, "head", type(head), head.kind),
                **head.to_state(),
            }
            for name, head in self.heads.items()
        ]

    @classmethod
    def from_json(cls, state_of_heads: Any) -> "Answers":
        """Read what `to_json` returned; raises InvalidContract if it is another."""
        with place():
            heads = states.mappings({"heads": state_of_heads}, "heads")
            states.distinct(heads, "name", "heads")
        read = {state["name"]: _head(number, state) for number, state in enumerate(heads)}
        with place("heads"):
            return cls(read, {state["name"]: state["output"] for state in heads})

    @cached_property
    def _parts(self) -> list[tuple[str, Head, str]]:
        """Each head with what the names of its measures begin with, and its output."""
        return [("" if self.only else name, head, self.outputs[name]) for name, head in self.heads.items()]


def _head(number: int, state: Mapping[str, Any]) -> Head:
    with place("heads", number):
        for name in ("name", "output"):
            states.filled(state, name)
        own = {key: value for key, value in state.items() if key not in ("name", "output", "kind", "package")}
        head: Head = read_kind(HEADS, "head", state, own)
        return head


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    if shape == expected:
        return True
    return len(shape) == len(expected) and all(want in (None, got) for got, want in zip(shape, expected, strict=True))
