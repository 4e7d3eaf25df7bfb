"""What a run is: the model's version, the inputs and all options that change the output, fixed when it is begun."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from serving.batch.errors import BadInput, Changed
from serving.batch.files import files_of
from serving.batch.inputs.source import Source

FORM = 1
"""The form of the JSON; a reader refuses another."""


@dataclass(frozen=True)
class Options:
    """What else than model and inputs changes the output. *answer* and *types* are for whoever merges the parts."""

    columns: Mapping[str, str]
    id_column: str | None
    keep: tuple[str, ...]
    format: str
    limit: int | None
    batch_rows: int
    part_rows: int
    writer: str
    answer: tuple[str, ...]
    types: str
    separator: str | None = None
    decimal: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Manifest:
    """*inputs* are the files' fingerprints by name, *contract* the SHA-256 of the contract's JSON.

    *reference* is the contract's, for the report of drift; it is here for whoever merges the parts. So is how many
    files of folders and archives were *passed_over*, by their kind, which changes nothing in the output.
    """

    model: str
    version: int
    contract: str
    inputs: Mapping[str, str]
    sources: tuple[Source, ...]
    options: Options
    reference: Mapping[str, Any] | None
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """A short name that no other run has; it stands in the names of all parts."""
        return hashlib.sha256(_bytes(self._identity())).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Give the JSON: the same bytes for the same run, wherever it is made."""
        return _bytes(self._identity() | ({"passed_over": dict(self.passed_over)} if self.passed_over else {}))

    def _identity(self) -> dict[str, Any]:
        return {
            "form": FORM,
            "model": self.model,
            "version": self.version,
            "contract": self.contract,
            "options": self.options.to_json(),
            "inputs": dict(self.inputs),
            "sources": list(map(_source_to_json, self.sources)),
            "reference": self.reference,
        }

    @classmethod
    def from_json(cls, text: bytes, path: str) -> "Manifest":
        """Read what `to_json` gave; raises BadInput."""
        try:
            document = json.loads(text)
            if document["form"] != FORM:
                raise ValueError(f"expected form {FORM}, got {document['form']}")
            options: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in document["options"].items()
            }
            return cls(
                document["model"],
                document["version"],
                document["contract"],
                document["inputs"],
                tuple(Source(path="", **source) for source in document["sources"]),
                Options(**options),
                document["reference"],
                document.get("passed_over", {}),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}: not a manifest: {error}; --restart begins anew") from error


def read_manifest(output: str) -> Manifest | None:
    """Read the manifest of the run that was begun with *output*, if there is one."""
    path = manifest_path(output)
    files = files_of(path)
    if not files.exists(path):
        return None
    with files.open(path) as file:
        return Manifest.from_json(file.read(), path)


def begin(output: str, manifest: Manifest) -> None:
    """Write down that *manifest* is begun; raises Changed if another was, also at the same moment."""
    path = manifest_path(output)
    with contextlib.suppress(FileExistsError):
        files_of(path).create(path, manifest.to_json())
    begun = read_manifest(output)
    if begun is not None:
        check_same(output, begun, manifest)


def check_same(output: str, begun: Manifest, asked: Manifest) -> None:
    """Raise Changed, with what differs, unless *asked* is the run that was *begun*."""
    for what in ("model", "version"):
        before, now = getattr(begun, what), getattr(asked, what)
        if before != now:
            raise Changed(output, f"with {what} {before}, and now it is {now}")
    if begun.contract != asked.contract:
        raise Changed(output, f"version {begun.version} of {begun.model} carries another contract now")
    _check_inputs(output, begun.inputs, asked.inputs)
    before, now = begun.options.to_json(), asked.options.to_json()
    for name, value in before.items():
        if value != now[name]:
            raise Changed(output, f"with {name.replace('_', '-')} {_said(value)}, and now it is {_said(now[name])}")
    if begun.sources != tuple(_without_path(source) for source in asked.sources):
        raise Changed(output, "the inputs are read in other pieces now")


def manifest_path(output: str) -> str:
    """Give where the manifest of *output* is."""
    return f"{output}.manifest.json"


def _check_inputs(output: str, begun: Mapping[str, str], asked: Mapping[str, str]) -> None:
    for name, fingerprint in begun.items():
        if name not in asked:
            raise Changed(output, f"{name} was an input, and is none now")
        if asked[name] != fingerprint:
            raise Changed(output, f"the content of {name} is another now")
    for name in asked:
        if name not in begun:
            raise Changed(output, f"{name} was no input, and is one now")
    if list(begun) != list(asked):
        raise Changed(output, "the inputs came in another order")


def _source_to_json(source: Source) -> dict[str, Any]:
    """Give what makes a source the same wherever it is read; without keys, which few have, as it was before these."""
    values = asdict(source)
    return {name: value for name, value in values.items() if name != "path" and (name != "keys" or value)}


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _without_path(source: Source) -> Source:
    return Source(**{**asdict(source), "path": ""})


def _said(value: object) -> str:
    return "nothing" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)
