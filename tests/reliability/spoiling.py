"""Ways in which a version can be bad. Each changes a version's folder that was good."""

import shutil
from collections.abc import Callable
from pathlib import Path

from serving.registry.integrity import write_manifest
from serving.registry.versions import CONTRACT

GRAPH = "saved_model.pb"
Spoil = Callable[[Path], None]
BESIDE_THE_GRAPH = "a contract beside the graph that was changed after it was published"


def _empty(version: Path) -> None:
    shutil.rmtree(version)
    version.mkdir()


def _without_graph(version: Path) -> None:
    (version / GRAPH).unlink()


def _garbled_graph(version: Path) -> None:
    (version / GRAPH).write_bytes(b"\xff" * 1000)


def _truncated_graph(version: Path) -> None:
    graph = (version / GRAPH).read_bytes()
    (version / GRAPH).write_bytes(graph[: len(graph) // 2])


def _empty_graph(version: Path) -> None:
    (version / GRAPH).write_bytes(b"")


def _folder_for_graph(version: Path) -> None:
    (version / GRAPH).unlink()
    (version / GRAPH).mkdir()


def _in_the_graph(old: str, new: str) -> Spoil:
    """Return what changes the contract in the graph, to one of the same length, and the file beside it."""

    def spoil(version: Path) -> None:
        for path in (version / GRAPH, version / CONTRACT):
            content = path.read_bytes()
            assert len(old) == len(new)
            assert old.encode() in content
            path.write_bytes(content.replace(old.encode(), new.encode()))

    return spoil


def _changed_after_publishing(version: Path) -> None:
    write_manifest(version)
    (version / CONTRACT).write_text((version / CONTRACT).read_text().replace('"1000 USD"', '"1000 EUR"'))


BAD: dict[str, Spoil] = {
    "an empty folder": _empty,
    "no graph": _without_graph,
    "a garbled graph": _garbled_graph,
    "half a graph": _truncated_graph,
    "an empty graph": _empty_graph,
    "a folder for a graph": _folder_for_graph,
    "an unknown kind of field": _in_the_graph('"kind": "number"', '"kind": "nombre"'),
    "a contract that is not JSON": _in_the_graph('"fields": [{', '"fields": {{'),
    "another model's contract": _in_the_graph('"model": "house_price"', '"model": "horse_price"'),
    "other features than in training": _in_the_graph('"offset": 6.0', '"offset": 9.0'),
    "a label that is a list": _in_the_graph('"unit": "1000 USD"', '"unit": ["000 SD"]'),
    "an example without features": _in_the_graph('"base64": "AACAvwAAgL8="', '"base64": "            "'),
    BESIDE_THE_GRAPH: _changed_after_publishing,
}
"""By what is bad: all of these are to be refused, whoever reads them."""
