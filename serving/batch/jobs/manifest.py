"""The manifest of a run: the model's version, the inputs and all options that affect the output, fixed at its start."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from serving.batch.errors import BadInput, Changed
from serving.batch.files import files_of
from serving.batch.inputs.source import Source
from serving.batch.writers.writer import Answer
from serving.process.engines import TENSORFLOW

FORM = 2
"""The version of the JSON's form; others are refused."""
_NEWER = ("encoding", "explain_budget")


@dataclass(frozen=True)
class Options:
    """The options that affect the output. *answer* and *types* are needed to merge the parts."""

    columns: Mapping[str, str]
    id_column: str | None
    keep: tuple[str, ...]
    format: str
    limit: int | None
    batch_rows: int
    part_rows: int
    writer: str
    answer: Answer
    types: str
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    explain_budget: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form. What nobody chose of the newer options is left out: older manifests have none."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if name not in _NEWER or value}


@dataclass(frozen=True)
class Manifest:
    """*inputs* are the files' fingerprints by name, *contract* is the SHA-256 of the contract's JSON.

    *engine* is what computes the version: two engines differ in the last digits of scores.

    *reference* is the contract's reference, and *passed_over* counts files of folders and archives that were not read,
    by kind. Neither affects the output: the merge needs them for its summary.
    """

    model: str
    version: int
    contract: str
    inputs: Mapping[str, str]
    sources: tuple[Source, ...]
    options: Options
    reference: Mapping[str, Any] | None
    passed_over: Mapping[str, int] = field(default_factory=dict)
    engine: str = TENSORFLOW

    @property
    def run(self) -> str:
        """A short, unique name of the run, which the names of all its parts contain."""
        return hashlib.sha256(_bytes(self._identity())).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Return the JSON: the same bytes for the same run, wherever it is made."""
        return _bytes(self._identity() | ({"passed_over": dict(self.passed_over)} if self.passed_over else {}))

    def _identity(self) -> dict[str, Any]:
        engine = {} if self.engine == TENSORFLOW else {"engine": self.engine}  # older manifests have none
        return {
            "form": FORM,
            "model": self.model,
            "version": self.version,
            "contract": self.contract,
            "options": self.options.to_json(),
            "inputs": dict(self.inputs),
            "sources": list(map(_source_to_json, self.sources)),
            "reference": self.reference,
            **engine,
        }

    @classmethod
    def from_json(cls, text: bytes, path: str) -> "Manifest":
        """Read the JSON that `to_json` returns; raises BadInput."""
        try:
            document = json.loads(text)
            if document["form"] != FORM:
                raise ValueError(f"expected form {FORM}, got {document['form']}")
            options: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in document["options"].items()
            }
            options["answer"] = tuple((name, kind) for name, kind in options["answer"])
            return cls(
                document["model"],
                document["version"],
                document["contract"],
                document["inputs"],
                tuple(Source(path="", **source) for source in document["sources"]),
                Options(**options),
                document["reference"],
                document.get("passed_over", {}),
                document.get("engine", TENSORFLOW),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}: not a manifest: {error}; --restart starts over") from error


def read_manifest(output: str) -> Manifest | None:
    """Read the manifest of the run that was started with *output*, if there is one."""
    path = manifest_path(output)
    files = files_of(path)
    if not files.exists(path):
        return None
    with files.open(path) as file:
        return Manifest.from_json(file.read(), path)


def begin(output: str, manifest: Manifest) -> None:
    """Record the start of *manifest*'s run; raises Changed if another was started before or at the same moment."""
    path = manifest_path(output)
    with contextlib.suppress(FileExistsError):
        files_of(path).create(path, manifest.to_json())
    begun = read_manifest(output)
    if begun is not None:
        check_same(output, begun, manifest)


def check_same(output: str, begun: Manifest, wanted: Manifest) -> None:
    """Raise Changed, naming the difference, unless *wanted* is the run that was *begun*."""
    for what in ("model", "version"):
        before, now = getattr(begun, what), getattr(wanted, what)
        if before != now:
            raise Changed(output, f"with {what} {before}, and now it is {now}")
    if begun.engine != wanted.engine:
        raise Changed(output, f"with the engine {begun.engine}, and now it is {wanted.engine}")
    if begun.contract != wanted.contract:
        raise Changed(output, f"version {begun.version} of {begun.model} carries another contract now")
    _check_inputs(output, begun.inputs, wanted.inputs)
    before, now = begun.options.to_json(), wanted.options.to_json()
    for name in dict.fromkeys(("explain_budget", *before, *now)):  # on which defaults of others depend
        was, wants = before.get(name), now.get(name)
        if was != wants:
            raise Changed(output, f"with {name.replace('_', '-')} {_shown(was)}, and now it is {_shown(wants)}")
    if begun.sources != tuple(_without_path(source) for source in wanted.sources):
        raise Changed(output, "the inputs are now divided differently")


def manifest_path(output: str) -> str:
    """Return the path of the manifest of *output*."""
    return f"{output}.manifest.json"


def _check_inputs(output: str, begun: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    for name, fingerprint in begun.items():
        if name not in wanted:
            raise Changed(output, f"{name} was an input, and is none now")
        if wanted[name] != fingerprint:
            raise Changed(output, f"the content of {name} is another now")
    for name in wanted:
        if name not in begun:
            raise Changed(output, f"{name} was no input, and is one now")
    if list(begun) != list(wanted):
        raise Changed(output, "the inputs came in another order")


def _source_to_json(source: Source) -> dict[str, Any]:
    """Return what identifies a source wherever it is read. Empty keys are left out: older manifests have none."""
    values = asdict(source)
    return {name: value for name, value in values.items() if name != "path" and (name != "keys" or value)}


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _without_path(source: Source) -> Source:
    return Source(**{**asdict(source), "path": ""})


def _shown(value: object) -> str:
    return "nothing" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)
