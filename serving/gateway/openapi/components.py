"""Schemas that the OpenAPI document names once and refers to: a generated client has one type for each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.contract import Contract

Schema = dict[str, Any]


@dataclass(frozen=True)
class FieldSchemas:
    """The schema of each of a contract's fields, which may refer to one of *components*."""

    fields: Mapping[str, Schema]
    components: Mapping[str, Schema]

    @classmethod
    def of(cls, contract: Contract) -> "FieldSchemas":
        """Name the schemas that list values, of which a generator would make a type wherever they are; equal ones once.

        Plain numbers, texts and lists of them stay in their places: no type is made of them.
        """
        fields: dict[str, Schema] = {}
        components: dict[str, Schema] = {}
        for name, schema in contract.record.schema["properties"].items():
            if not _lists_values(schema):
                fields[name] = schema
                continue
            known = next((key for key, value in components.items() if value == schema), None)
            key = known or _free(f"{contract.model}_{re.sub('[^A-Za-z0-9_.-]', '_', name)}", components)
            components[key] = schema
            fields[name] = ref(key)
        return cls(fields, components)

    def instance(self, contract: Contract) -> Schema:
        """Return the schema of one instance."""
        return contract.record.schema | {"properties": dict(self.fields)}


def ref(name: str) -> Schema:
    """Refer to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def _lists_values(schema: Mapping[str, Any]) -> bool:
    return "enum" in schema or (isinstance(schema.get("items"), dict) and _lists_values(schema["items"]))


def _free(name: str, taken: Mapping[str, Schema]) -> str:
    while name in taken:
        name += "_"
    return name
