"""A record: an instance's fields with their encoders, and the model's inputs that their blocks are packed into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice
from typing import Any, Protocol

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, Features, TensorSpec
from serving.contract.encoders import ENCODERS
from serving.contract.encoders.encoder import Encoder
from serving.contract.faults import MAX_FAULTS, Faults, FieldFaults, RowFaults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.kinds import kind_to_json, read_kind
from serving.contract.number_group import NumberGroup
from serving.contract.places import place
from serving.contract.reference import Measures, named_apart


@dataclass(frozen=True)
class Rows:
    """The decoded values of some instances: what each part of the record has read of all of them."""

    count: int
    columns: Sequence[Any]

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True)
class Input:
    """An input of the model: the blocks of *fields* side by side, or the one block as it is."""

    name: str
    fields: tuple[str, ...]


class _Part(Protocol):
    """Fields that are read and encoded together."""

    def read(self, instances: Sequence[Mapping[str, Any]], faults: Faults) -> Any: ...

    def encode(self, column: Any) -> Array: ...

    def measured(self, column: Any, block: Array) -> Measures: ...


@dataclass(frozen=True)
class _Single:
    name: str
    encoder: Encoder

    def read(self, instances: Sequence[Mapping[str, Any]], faults: Faults) -> Any:
        name = self.name
        return self.encoder.read([instance.get(name) for instance in instances], FieldFaults(faults, name))

    def encode(self, column: Any) -> Array:
        return self.encoder.encode(column)

    def measured(self, column: Any, block: Array) -> Measures:
        return self.encoder.measured(self.name, column, block)


@dataclass(frozen=True)
class Record:
    """Reads instances, JSON objects with the *fields*, and makes the features of them. Fitted, immutable.

    Every field is packed into exactly one of *inputs*. What is measured follows the order of the inputs.
    """

    fields: Mapping[str, Encoder]
    inputs: tuple[Input, ...]

    def __post_init__(self) -> None:
        packed = [name for each in self.inputs for name in each.fields]
        if sorted(packed) != sorted(self.fields):
            raise ValueError(f"expected each of {', '.join(self.fields)} in one input, got {', '.join(packed)}")
        for each in self.inputs:
            specs = [self.fields[name].block for name in each.fields]
            if len(specs) > 1 and (len({spec.dtype for spec in specs}) > 1 or any(len(it.shape) != 2 for it in specs)):
                blocks = ", ".join(
                    f"{name}: {it.dtype}{list(it.shape)}" for name, it in zip(each.fields, specs, strict=True)
                )
                raise ValueError(f"input '{each.name}': expected blocks [batch, n] of one type, got {blocks}")

    @classmethod
    def single(cls, field: str, encoder: Encoder, name: str) -> "Record":
        """Return the record of one *field*, whose block is the input called *name*."""
        return cls({field: encoder}, (Input(name, (field,)),))

    @classmethod
    def packed(cls, fields: Mapping[str, Encoder], name: str) -> "Record":
        """Return the record whose blocks are packed into one input called *name*."""
        return cls(fields, (Input(name, tuple(fields)),))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The fields that may not be missing."""
        return tuple(name for name, encoder in self.fields.items() if not encoder.optional)

    @cached_property
    def specs(self) -> dict[str, TensorSpec]:
        """The inputs' names, types and shapes."""
        return {each.name: self._spec(each) for each in self.inputs}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one instance."""
        return {
            "type": "object",
            "properties": {name: encoder.schema for name, encoder in self.fields.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }

    def limited(self, limits: InstanceLimits) -> "Record":
        """Return the record that refuses what is over *limits*."""
        return replace(self, fields={name: encoder.limited(limits) for name, encoder in self.fields.items()})

    def read(self, instances: Sequence[Any], faults: Faults) -> Rows:
        """Check and read instances. All that is wrong goes to *faults*; then the rows are of no use."""
        known = self.fields.keys()
        for each in instances:
            if type(each) is not dict or not each.keys() <= known:
                return self._read_odd(instances, faults)
        return Rows(len(instances), [part.read(instances, faults) for part in self._all_parts])

    def encode(self, rows: Rows) -> Features:
        """Make the features of rows that were read without a fault."""
        return self._packed([part.encode(column) for part, column in zip(self._all_parts, rows.columns, strict=True)])

    def measured(self, rows: Rows) -> tuple[Features, Measures]:
        """Make the features as `encode` does, and measure the instances by what is at hand then."""
        blocks, measures = [], []
        for part, column in zip(self._all_parts, rows.columns, strict=True):
            block = part.encode(column)
            blocks.append(block)
            measures.append(part.measured(column, block))
        return self._packed(blocks), Measures.side_by_side(measures)

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The names of the columns of what is measured."""
        return tuple(name for field in self._order for name in self.fields[field].measures(field))

    @cached_property
    def columns(self) -> dict[str, range]:
        """The columns of what is measured that are each field's: their names may be another's too."""
        ends = list(accumulate((len(self.fields[field].measures(field)) for field in self._order), initial=0))
        return {field: range(*ends[place : place + 2]) for place, field in enumerate(self._order)}

    @cached_property
    def categories(self) -> dict[str, Sequence[str]]:
        """The categories of each total that is measured."""
        return named_apart(item for field in self._order for item in self.fields[field].categories(field).items())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values of fields and inputs."""
        fields = [
            {"name": name, **kind_to_json(ENCODERS, "encoder", type(encoder), encoder.kind), **encoder.to_state()}
            for name, encoder in self.fields.items()
        ]
        return {"fields": fields, "inputs": [{"name": it.name, "fields": list(it.fields)} for it in self.inputs]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Record":
        """Read what `to_json` returned; raises InvalidContract if it is another."""
        with place():
            fields, inputs = states.mappings(document, "fields"), states.mappings(document, "inputs")
            states.distinct(fields, "name", "fields")
            states.distinct(inputs, "name", "inputs")
        read = {state["name"]: _field(number, state) for number, state in enumerate(fields)}
        packed = tuple(_input(number, state) for number, state in enumerate(inputs))
        with place("inputs"):
            return cls(read, packed)

    @property
    def _order(self) -> Iterator[str]:
        return (name for each in self.inputs for name in each.fields)

    @cached_property
    def _parts(self) -> list[tuple[Input, list[_Part]]]:
        return [(each, self._parts_of(each)) for each in self.inputs]

    def _parts_of(self, packed: Input) -> list[_Part]:
        """Take numbers that follow each other together: one matrix is read and scaled faster than its columns."""
        parts: list[_Part] = []
        names = list(packed.fields)
        while names:
            group = NumberGroup.of({name: self.fields[name] for name in names})
            part: _Part = group or _Single(names[0], self.fields[names[0]])
            parts.append(part)
            names = names[len(group.names) if group else 1 :]
        return parts

    @cached_property
    def _all_parts(self) -> list[_Part]:
        return [part for _, parts in self._parts for part in parts]

    def _packed(self, blocks: Sequence[Array]) -> Features:
        """Join the blocks of all parts to inputs."""
        if len(blocks) == 1:
            return {self.inputs[0].name: blocks[0]}
        left = iter(blocks)
        return {each.name: _joined(list(islice(left, len(parts)))) for each, parts in self._parts}

    def _spec(self, each: Input) -> TensorSpec:
        specs = [self.fields[name].block for name in each.fields]
        if len(specs) == 1:
            return specs[0]
        return TensorSpec(specs[0].dtype, (None, sum(spec.shape[1] or 0 for spec in specs)))

    def _read_odd(self, instances: Sequence[Any], faults: Faults) -> Rows:
        """Read instances some of which are no objects, or have fields that the record does not know."""
        objects = [row for row, each in enumerate(instances) if isinstance(each, dict)]
        for row, each in enumerate(instances):
            if not isinstance(each, dict):
                faults.add(row, "an object with named fields", shown(each))
                continue
            for name in [name for name in each if name not in self.fields]:
                faults.add(row, f"only {_listed(self.fields)}", "this field", name)
        own = RowFaults(faults, objects)
        for part in self._all_parts:
            part.read([instances[row] for row in objects], own)
        return Rows(0, ())


def _field(number: int, state: Mapping[str, Any]) -> Encoder:
    with place("fields", number):
        fitted = {key: value for key, value in state.items() if key not in ("name", "kind", "package")}
        encoder: Encoder = read_kind(ENCODERS, "encoder", state, fitted)
        return encoder


def _input(number: int, state: Mapping[str, Any]) -> Input:
    with place("inputs", number):
        if not (fields := states.texts(state, "fields")):
            raise states.Misfit("fields", "expected at least one, got none")
        return Input(states.filled(state, "name"), fields)


def _listed(fields: Mapping[str, Encoder]) -> str:
    names = [*fields]
    return ", ".join(names if len(names) <= 2 * MAX_FAULTS else [*names[: 2 * MAX_FAULTS], "..."])


def _joined(blocks: Sequence[Array]) -> Array:
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
