"""The contract as one value, and its JSON. Its bytes are what the SavedModel's `contract` signature returns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from serving.contract.arrays import Array, Features, TensorSpec, array_from_json, array_to_json
from serving.contract.instance_limits import InstanceLimits
from serving.contract.outputs import Output, output_from_json, output_to_json
from serving.contract.preprocessors import Preprocessor, preprocessor_from_json, preprocessor_to_json
from serving.contract.reference import Reference
from serving.errors import ContractError, Described, InvalidField, InvalidFields, InvalidInstance

SCHEMA = 1
"""The form of the JSON; a reader refuses another."""

SCORES = "scores"
"""The name of the model's only output."""

MOST_ERRORS = 20
"""Maximum number of a request's errors that are reported; all are counted."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class ParityExample:
    """A raw instance (JSON values) with the features and scores that training computed for it (no batch axis)."""

    instance: Mapping[str, Any]
    features: Features
    scores: Array


@dataclass(frozen=True, eq=False)
class Contract:
    """What a model takes, what it gives, and where it comes from.

    *evaluation* and *provenance* are JSON values: metrics beside the baseline they beat; data set, recipe, versions.
    *reference* is what training's inputs and scores looked like; contracts of before it was kept have none.
    """

    model: str
    problem: str
    preprocessor: Preprocessor
    output: Output
    examples: tuple[ParityExample, ...]
    tolerance: float
    evaluation: Mapping[str, Any]
    provenance: Mapping[str, Any]
    reference: Reference | None = None

    @property
    def outputs(self) -> dict[str, TensorSpec]:
        """The scores' name, type and shape."""
        return {SCORES: TensorSpec("float32", (None, self.output.width))}

    def limited(self, limits: InstanceLimits) -> "Contract":
        """Return the contract with the *limits* of a server, which its schema then states."""
        return replace(self, preprocessor=self.preprocessor.limited(limits))

    def decode(self, instances: Sequence[Any]) -> list[Any]:
        """Check and read raw instances; raises InvalidInstance with all that breaks the contract."""
        decoded: list[Any] = []
        errors: list[tuple[int, InvalidField]] = []
        count = 0
        for index, instance in enumerate(instances):
            try:
                decoded.append(self._decode(instance))
            except InvalidFields as error:
                count += error.count
                errors += [(index, problem) for problem in error.problems[: MOST_ERRORS - len(errors)]]
        if errors:
            raise InvalidInstance(self.model, errors, count)
        return decoded

    def decode_each(self, instances: Sequence[Any]) -> tuple[list[Any], dict[int, InvalidFields]]:
        """Read those of *instances* that fit the contract; return them, and the errors of the others by number."""
        decoded: list[Any] = []
        rejected: dict[int, InvalidFields] = {}
        for index, instance in enumerate(instances):
            try:
                decoded.append(self._decode(instance))
            except InvalidFields as error:
                rejected[index] = error
        return decoded, rejected

    def features(self, instances: Sequence[Any]) -> Features:
        """Make the features of raw instances; raises InvalidInstance."""
        return self.preprocessor.transform(self.decode(instances))

    def to_json(self) -> str:
        """Return the JSON. Signature and schema follow from the rest; they are for people and tools."""
        document = {
            "schema": SCHEMA,
            "model": self.model,
            "problem": self.problem,
            "instance": {"schema": self.preprocessor.instance_schema, "example": self.examples[0].instance},
            "signature": {"inputs": _specs(self.preprocessor.inputs), "outputs": _specs(self.outputs)},
            "preprocessor": preprocessor_to_json(self.preprocessor),
            "output": output_to_json(self.output),
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
        """Read what `to_json` returned; raises ContractError."""
        try:
            document = json.loads(text)
            _check_schema(document)
            contract = cls(
                model=document["model"],
                problem=document["problem"],
                preprocessor=preprocessor_from_json(document["preprocessor"]),
                output=output_from_json(document["output"]),
                examples=tuple(_example_from_json(state) for state in document["parity"]["examples"]),
                tolerance=document["parity"]["tolerance"],
                evaluation=document["evaluation"],
                provenance=document["provenance"],
                reference=Reference.from_json(document["reference"]) if "reference" in document else None,
            )
            contract._check_reference()
            return contract
        except KeyError as error:
            raise ContractError(f"not a contract: there is no {error}") from error
        except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
            raise ContractError(f"not a contract: {type(error).__name__}: {error}") from error

    def _check_reference(self) -> None:
        """Raise ValueError if what is measured does not fit the reference."""
        parts = (self.preprocessor, self.output)
        if self.reference:
            categories = [len(names) for part in parts for names in part.categories.values()]
            self.reference.check(sum(len(part.measures) for part in parts), categories)

    @cached_property
    def _fields(self) -> frozenset[str]:
        return frozenset(self.preprocessor.fields)

    def _decode(self, instance: Any) -> Any:
        if not isinstance(instance, dict):
            raise InvalidField("", "an object with named fields", instance)
        if instance.keys() <= self._fields:
            return self.preprocessor.decode(instance)
        unknown = [field for field in instance if field not in self._fields]
        expected = f"only {', '.join(self.preprocessor.fields)}"
        problems = [InvalidField(field, expected, Described("this field")) for field in unknown[:MOST_ERRORS]]
        count = len(unknown)
        try:
            self.preprocessor.decode(instance)
        except InvalidFields as error:
            problems += error.problems
            count += error.count
        raise InvalidFields(problems, count)


def _check_schema(document: Any) -> None:
    schema = document["schema"]
    if schema != SCHEMA:
        raise ContractError(f"expected contract schema {SCHEMA}, got {schema}: train the model again, or update")


def _specs(specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    return {name: spec.to_json() for name, spec in specs.items()}


def _example_to_json(example: ParityExample) -> dict[str, Any]:
    features = {name: array_to_json(array) for name, array in example.features.items()}
    return {"instance": example.instance, "features": features, "scores": array_to_json(example.scores)}


def _example_from_json(state: Mapping[str, Any]) -> ParityExample:
    features = {name: array_from_json(array) for name, array in state["features"].items()}
    return ParityExample(state["instance"], features, array_from_json(state["scores"]).astype(np.float32))
