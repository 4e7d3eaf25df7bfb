"""Schemas that the OpenAPI document names once and refers to: a generated client has one type for each."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from serving.contract import Contract

Schema = dict[str, Any]


class Components:
    """The named schemas of a document. Generators write a_b and AB alike, so such names count as the same."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = dict(schemas)

    def add(self, name: str, schema: Schema) -> Schema:
        """Name *schema*, with a number behind if another has the name, and return a reference to it."""
        taken = {words(known).lower(): known for known in self.schemas}
        free, number = name, 1
        while (known := taken.get(words(free).lower())) and self.schemas[known] != schema:
            number += 1
            free = f"{name}{number}"
        free = known or free
        self.schemas[free] = schema
        return ref(free)


_TAKEN = frozenset(
    "instance instances answer predictions files label tag".split()
    + "row rows rowanswer rowanswers output outputname inferrequest".split()
)
"""What types of a model are called, whatever its fields are."""


class Types:
    """The named schemas of one model, called *name*: of its *fields* and its *instance*, and what is added."""

    def __init__(self, contract: Contract, components: Components, name: str) -> None:
        self._components = components
        self._name = name
        self.fields = self._fields(contract)
        self.instance = self.add("Instance", {**contract.record.schema, "properties": self.fields})

    def add(self, name: str, schema: Schema) -> Schema:
        """Name a schema after the model, and return a reference to it."""
        return self._components.add(words(self._name) + name, schema)

    def _fields(self, contract: Contract) -> dict[str, Schema]:
        """Name the schemas that list values, of which a generator would make a type wherever they are; equal ones once.

        Plain numbers, texts and lists of them stay in their places: no type is made of them.
        """
        named: list[tuple[Schema, Schema]] = []

        def field(name: str, schema: Schema) -> Schema:
            if isinstance(schema.get("items"), dict):
                return {**schema, "items": field(name, schema["items"])}
            if "enum" not in schema:
                return schema
            if _lists_truths(schema):
                return _of_truths(schema)
            if None in schema["enum"]:
                return {"anyOf": [field(name, _present(schema)), {"type": "null"}]}
            known = next((reference for value, reference in named if value == schema), None)
            if known is None:
                own = f"{self._name}_{re.sub('[^A-Za-z0-9_.-]', '_', name)}"
                known = self._components.add(f"{own}_value" if words(name).lower() in _TAKEN else own, listed(schema))
                named.append((schema, known))
            return known

        return {name: field(name, schema) for name, schema in contract.record.schema["properties"].items()}


def ref(name: str) -> Schema:
    """Refer to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def words(text: str) -> str:
    """Join the words of *text*, each with a capital: HousePrice of house_price."""
    return "".join(word[0].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", text))


def one_of(values: Sequence[str]) -> Schema:
    """Describe one of a few texts."""
    return listed({"type": "string", "enum": list(values)})


def listed(schema: Schema) -> Schema:
    """Add names for the values that *schema* lists where they are no names themselves, or not in other letters."""
    values = schema.get("enum", ())
    if not all(isinstance(value, str) for value in values):
        return schema
    if len({value.upper() for value in values}) == len(values) and all(map(_NAME.fullmatch, values)):
        return schema
    names: list[str] = []
    for place, value in enumerate(values):
        name = "_".join(re.findall("[A-Z0-9]+", value.upper()))
        names.append(name if _NAME.fullmatch(name) and name not in names else f"VALUE_{place}")
    return {**schema, "x-enum-varnames": names}


_NAME = re.compile("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def _lists_truths(schema: Schema) -> bool:
    return all(value is None or isinstance(value, bool) for value in schema["enum"])


def _of_truths(schema: Schema) -> Schema:
    """Return the schema of true and false without a list, of which generators make no type."""
    values = [value for value in schema["enum"] if value is not None]
    bare = {name: value for name, value in schema.items() if name != "enum"}
    if len(values) == 2:
        return bare
    one = {name: value for name, value in bare.items() if name != "type"} | {"const": values[0]}
    return {"anyOf": [one, {"type": "null"}]} if None in schema["enum"] else one


def _present(schema: Schema) -> Schema:
    """Return the schema of the listed values without null: a generator would make two types of them together."""
    kinds = schema.get("type")
    types = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
    kind = {"type": types[0]} if len(types) == 1 and types[0] else {}
    rest = {key: value for key, value in schema.items() if key != "type"}
    return {**kind, **rest, "enum": [value for value in schema["enum"] if value is not None]}
