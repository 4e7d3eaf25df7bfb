"""The contract as one value, and its JSON. Its bytes are what the SavedModel's `contract` signature returns."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import Any

from serving.contract import schema_1, states
from serving.contract.answers import Answers, Outputs
from serving.contract.arrays import Features, TensorSpec, array_from_json, array_to_json
from serving.contract.facts import read_evaluation, read_provenance
from serving.contract.faults import Faults, shown
from serving.contract.handling import Handling, read_handlings, usual
from serving.contract.instance_limits import InstanceLimits
from serving.contract.places import place
from serving.contract.reading import Reading
from serving.contract.record import Record, Rows
from serving.contract.reference import Reference
from serving.errors import Fault, InvalidContract, InvalidInstance, LaterSchema

SCHEMA = 2
"""The form of the JSON that is written; schema 1 is read as well."""

_MOST_DEPTH = 100
"""The levels of a contract's JSON."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class ParityExample:
    """A raw instance (JSON values) with the features and outputs that training computed for it (no batch axis).

    *answer* is what these outputs answer; contracts of before it was kept have none.
    """

    instance: Mapping[str, Any]
    features: Features
    outputs: Outputs
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Contract:
    """What a model takes, what it gives, and where it comes from.

    *evaluation* and *provenance* are JSON values: metrics beside the baseline they beat; data set, recipe, versions.
    *reference* is what training's inputs and scores looked like; contracts of before it was kept have none. *reading*
    is how files of its rows are written, if it was trained on such a file. *capture* is what may become of the values
    of those fields of which the task says it, where requests are captured.
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
    reading: Reading | None = None
    capture: Mapping[str, Handling] = field(default_factory=dict)

    @cached_property
    def handlings(self) -> dict[str, Handling]:
        """What may become of each field's values, where requests are captured."""
        return {name: self.capture.get(name) or usual(encoder) for name, encoder in self.record.fields.items()}

    @cached_property
    def may_keep_all(self) -> bool:
        """Whether the values of all fields may be kept as they are."""
        return all(handling == "keep" for handling in self.handlings.values())

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
        }
        document |= {"reference": self.reference.to_json()} if self.reference else {}
        document |= {"reading": self.reading.to_json()} if self.reading else {}
        document |= {"capture": dict(self.capture)} if self.capture else {}
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Contract":
        """Read what `to_json` returned, now or when it wrote schema 1; raises InvalidContract, or ContractError."""
        document = _parsed(text)
        if document.get("schema") == 1:
            with schema_1.places(document):
                return cls._of(schema_1.upgraded(document))
        return cls._of(_current(document))

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> "Contract":
        with place():
            record, answers = Record.from_json(document), Answers.from_json(document.get("heads"))
            contract = cls(
                model=states.filled(document, "model"),
                problem=states.text(document, "problem"),
                record=record,
                answers=answers,
                examples=tuple(_examples(document, record, answers)),
                tolerance=_tolerance(document),
                evaluation=read_evaluation(document),
                provenance=read_provenance(document),
                reference=_reference(document, answers),
                reading=_reading(document, record),
                capture=read_handlings(document, record.fields),
            )
            contract._check_reference()
        return contract

    def _check_reference(self) -> None:
        """Raise ValueError if what is measured does not fit the reference."""
        parts = (self.record, self.answers)
        categories = [len(names) for part in parts for names in part.categories.values()]
        columns = sum(len(part.measures) for part in parts)
        if self.reference:
            with place("reference"):
                self.reference.check(columns, categories)


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_int=_number)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # half a surrogate pair fits no file
        _check_depth(document)
    except (ValueError, RecursionError) as error:
        raise InvalidContract(f"not a contract: {error!s:.200}") from error
    if not isinstance(document, dict):
        raise InvalidContract(f"not a contract: expected an object, got {shown(document)}")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"expected finite numbers, got {name}")


def _number(digits: str) -> int | float:
    """Return a whole number; one beyond 64 bits as a float, as requests are read."""
    return float(digits) if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64 else int(digits)


def _check_depth(document: Any) -> None:
    layer = [document]
    for _ in range(_MOST_DEPTH):
        holders = [each for each in layer if isinstance(each, dict | list)]
        layer = [inner for each in holders for inner in (each.values() if isinstance(each, dict) else each)]
    if layer:
        raise ValueError(f"expected at most {_MOST_DEPTH} levels, got more")


def _current(document: Mapping[str, Any]) -> Mapping[str, Any]:
    if (schema := document.get("schema")) != SCHEMA:
        error = LaterSchema if isinstance(schema, int) and schema > SCHEMA else InvalidContract
        raise error(
            f"expected contract schema 1 to {SCHEMA}, got {shown(schema)}: train the model again, or update this "
            "installation",
            ["schema"],
        )
    return document


def _tolerance(document: Mapping[str, Any]) -> float:
    with place("parity"):
        if (tolerance := states.finite(states.mapping(document, "parity"), "tolerance")) < 0:
            raise states.Misfit("tolerance", f"expected a number of at least 0, got {tolerance:g}")
        return tolerance


def _reference(document: Mapping[str, Any], answers: Answers) -> Reference | None:
    if "reference" not in document:
        return None
    state = states.mapping(document, "reference")
    with place("reference"):
        return Reference.from_json(state, len(answers.categories))


def _reading(document: Mapping[str, Any], record: Record) -> Reading | None:
    if "reading" not in document:
        return None
    state = states.mapping(document, "reading")
    with place("reading"):
        reading = Reading.from_json(state)
        for of, names in (("dates", reading.dates), ("delimiters", reading.delimiters)):
            for name in names:
                if name not in record.fields:
                    raise states.Misfit(of, f"expected names of fields, got {shown(name)}")
        return reading


def _specs(specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    return {name: spec.to_json() for name, spec in specs.items()}


def _arrays_to_json(arrays: Outputs) -> dict[str, Any]:
    return {name: array_to_json(array) for name, array in arrays.items()}


def _examples(document: Mapping[str, Any], record: Record, answers: Answers) -> Iterator[ParityExample]:
    parity = states.mapping(document, "parity")
    with place("parity"):
        found = states.mappings(parity, "examples")
    for number, state in enumerate(found):
        with place("parity", "examples", number):
            features, outputs = _arrays(state, "features", record.specs), _arrays(state, "outputs", answers.specs)
            answer = states.mapping(state, "answer") if "answer" in state else None
            yield ParityExample(states.mapping(state, "instance"), features, outputs, answer)


def _arrays(example: Mapping[str, Any], name: str, specs: Mapping[str, TensorSpec]) -> Features:
    arrays = {}
    found = states.mapping(example, name)
    if found.keys() != specs.keys():
        raise states.Misfit(name, f"expected {', '.join(specs)}, got {shown(list(found))}")
    with place(name):
        for tensor, spec in specs.items():
            state = states.mapping(found, tensor)
            with place(tensor):
                arrays[tensor] = array_from_json(state)
                spec.check_row(arrays[tensor])
    return arrays


def _example_to_json(example: ParityExample) -> dict[str, Any]:
    arrays = {"features": _arrays_to_json(example.features), "outputs": _arrays_to_json(example.outputs)}
    return {"instance": example.instance, **arrays} | ({} if example.answer is None else {"answer": example.answer})
