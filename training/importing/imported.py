"""An imported model: all that its contract and its export are made of."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from serving.contract import Answers, Contract, Features
from serving.contract.arrays import Array
from training.importing.comparison import tolerance_for
from training.importing.fields import Packing
from training.importing.graph import graph_of
from training.importing.heads import Taken, answers_of, problem_of
from training.importing.source import Source
from training.publishing.contracts import PARITY_EXAMPLES, parity_examples


@dataclass(frozen=True)
class Imported:
    """A *source* with the *packing* that makes its inputs, and what is known of the examples.

    *features* are those that *packing* makes of the *instances*, *expected* the original's outputs for them, as the
    heads that are *taken* read them. *lifted* has the kinds of the fields that layers became, by name.
    """

    source: Source
    packing: Packing
    features: Features
    instances: Sequence[Mapping[str, Any]]
    taken: Mapping[str, Taken]
    expected: Mapping[str, Array]
    lifted: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def answers(self) -> Answers:
        """The heads."""
        return answers_of(self.taken)

    @cached_property
    def graph(self) -> Any:
        """The graph that is served."""
        return graph_of(self.source, self.packing, self.taken)


def contract_of(name: str, imported: Imported, provenance: Mapping[str, Any]) -> Contract:
    """Return the contract: the first examples become those of parity, and nothing is said of how good it is."""
    record = imported.packing.record
    return Contract(
        model=name,
        problem=problem_of(imported.answers),
        record=record,
        answers=imported.answers,
        examples=parity_examples(record, imported.answers, imported.graph, imported.instances[:PARITY_EXAMPLES]),
        tolerance=tolerance_for(imported.expected),
        evaluation={"note": "not measured"},
        provenance=provenance,
    )


def sha256_of(path: Path) -> str:
    """Return a hash of a file, or of the names and hashes of all files in a folder."""
    if path.is_file():
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\0".encode())
    return digest.hexdigest()
