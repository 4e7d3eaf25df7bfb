"""The contract as one value, and its JSON. Its bytes are what the SavedModel's `contract` signature returns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from serving.contract import schema_1
from serving.contract.answers import Answers, Outputs
from serving.contract.arrays import Features, TensorSpec, array_from_json, array_to_json
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from serving.contract.record import Record, Rows
from serving.contract.reference import Reference
from serving.errors import ContractError, Fault, InvalidInstance

SCHEMA = 2
"""The form of the JSON that is written; schema 1 is read as well."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class ParityExample:
    """A raw instance (JSON values) with the features and outputs that training computed for it (no batch axis)."""

    instance: Mapping[str, Any]
    features: Features
    outputs: Outputs


@dataclass(frozen=True, eq=False)
class Contract:
    """What a model takes, what it gives, and where it comes from.

    *evaluation* and *provenance* are JSON values: metrics beside the baseline they beat; data set, recipe, versions.
    *reference* is what training's inputs and scores looked like; contracts of before it was kept have none.
    """

    model: str
    problem: str
    record: Record
    answers: Answers
    examples: tuple[ParityExample, ...]
    tolerance: float
    evaluation: Mapping[str, Any]
    provenance: Mapping[str, Any]
    reference: Reference | None = None

    def limited(self, limits: InstanceLimits) -> "Contract":
        """Return the contract as a server with *limits* obeys it; its schema tells them."""
        return replace(self, record=self.record.limited(limits))

    def decode(self, instances: Sequence[Any]) -> Rows:
        """Check and read raw instances; raises InvalidInstance with all that breaks the contract."""
        faults = Faults()
        rows = self.record.read(instances, faults)
        if faults.count:
            raise InvalidInstance(self.model, faults.first, faults.count)
        return rows

    def decode_each(self, instances: Sequence[Any]) -> tuple[Rows, dict[int, list[Fault]]]:
        """Read those of *instances* that fit the contract; return them, and by number what is wrong with the others."""
        faults = Faults()
        rows = self.record.read(instances, faults)
        if not faults.count:
            return rows, {}
        fitting = [*compress(instances, [row not in faults.by_row for row in range(len(instances))])]
        return self.record.read(fitting, Faults()), faults.by_row

    def features(self, instances: Sequence[Any]) -> Features:
        """Make the features of raw instances; raises InvalidInstance."""
        return self.record.encode(self.decode(instances))

    def to_json(self) -> str:
        """Return the JSON. Signature and schema follow from the rest; they stand there for people and tools."""
        document = {
            "schema": SCHEMA,
            "model": self.model,
            "problem": self.problem,
            "instance": {"schema": self.record.schema, "example": self.examples[0].instance},
            "signature": {"inputs": _specs(self.record.specs), "outputs": _specs(self.answers.specs)},
            **self.record.to_json(),
            "heads": self.answers.to_json(),
            "parity": {
                "tolerance": self.tolerance,
                "examples": [_example_to_json(example) for example in self.examples],
            },
            "evaluation": self.evaluation,
            "provenance": self.provenance,
        } | ({"reference": self.reference.to_json()} if self.reference else {})
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Contract":
        """Read what `to_json` returned, now or when it wrote schema 1; raises ContractError."""
        try:
            document = _current(json.loads(text))
            answers = Answers.from_json(document["heads"])
            contract = cls(
                model=document["model"],
                problem=document["problem"],
                record=Record.from_json(document),
                answers=answers,
                examples=tuple(_example_from_json(state) for state in document["parity"]["examples"]),
                tolerance=document["parity"]["tolerance"],
                evaluation=document["evaluation"],
                provenance=document["provenance"],
                reference=(
                    Reference.from_json(document["reference"], len(answers.categories))
                    if "reference" in document
                    else None
                ),
            )
            contract._check_reference()
            return contract
        except KeyError as error:
            raise ContractError(f"not a contract: there is no {error}") from error
        except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
            raise ContractError(f"not a contract: {type(error).__name__}: {error}") from error

    def _check_reference(self) -> None:
        """Raise ValueError if what is measured does not fit the reference."""
        parts = (self.record, self.answers)
        if self.reference:
            categories = [len(names) for part in parts for names in part.categories.values()]
            self.reference.check(sum(len(part.measures) for part in parts), categories)


def _current(document: Any) -> Any:
    schema = document["schema"]
    if schema == 1:
        return schema_1.upgraded(document)
    if schema != SCHEMA:
        raise ContractError(f"expected contract schema 1 to {SCHEMA}, got {schema}: train the model again, or update")
    return document


def _specs(specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    return {name: spec.to_json() for name, spec in specs.items()}


def _arrays_to_json(arrays: Outputs) -> dict[str, Any]:
    return {name: array_to_json(array) for name, array in arrays.items()}


def _arrays_from_json(state: Mapping[str, Any]) -> Features:
    return {name: array_from_json(array) for name, array in state.items()}


def _example_to_json(example: ParityExample) -> dict[str, Any]:
    arrays = {"features": _arrays_to_json(example.features), "outputs": _arrays_to_json(example.outputs)}
    return {"instance": example.instance, **arrays}


def _example_from_json(state: Mapping[str, Any]) -> ParityExample:
    return ParityExample(state["instance"], _arrays_from_json(state["features"]), _arrays_from_json(state["outputs"]))
