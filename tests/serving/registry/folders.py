"""Models folders with versions that are small, whole, and told apart by what is in their variables."""

import dataclasses
from pathlib import Path

from google.protobuf.internal.encoder import _VarintBytes

from serving.contract import Contract
from serving.registry import publish, scan
from serving.registry.integrity import MANIFEST
from serving.registry.versions import CONTRACT, SAVED_MODEL
from tests.serving.contracts import tabular_contract

MODEL = "house_price"
FILES = ("saved_model.pb", "variables/data", "assets.extra/contract.json")


def contract(data: str = "boston_housing", value: float = 0.9, sha256: str = "abc") -> Contract:
    evaluation = {"metric": "accuracy", "test": {"accuracy": value}, "baseline": {"accuracy": 0.5}}
    provenance = {"data": data, "data_sha256": sha256, "recipe": "baseline", "trained_at": "2026-01-02T03:04:05+00:00"}
    return dataclasses.replace(tabular_contract(), evaluation=evaluation, provenance=provenance)


REAL = contract().to_json()


def write_version(folder: Path, content: str = "", document: str = REAL) -> None:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(document if name.endswith("json") else content)


def publish_version(models_dir: Path, content: str = "", document: str = REAL) -> int:
    return int(publish(models_dir, MODEL, lambda folder: write_version(folder, content, document)).name)


def content(models_dir: Path, number: int) -> str:
    return (models_dir / MODEL / str(number) / "variables" / "data").read_text()


def numbers(models_dir: Path) -> list[int]:
    return list(scan(models_dir / MODEL))


def incomplete(models_dir: Path) -> list[Path]:
    """List the versions that are there and lack a file (not those that vanish whole while we look)."""
    return [
        path
        for path in scan(models_dir / MODEL).values()
        if not all((path / name).exists() for name in FILES) and path.exists()
    ]


def without_manifest(version: Path) -> Path:
    """The version as it would be if it were of before there were manifests; its files may be changed."""
    (version / MANIFEST).unlink()
    return version


def carry(version: Path, document: str) -> None:
    """Have a version, graph and file, carry another contract."""
    (version / CONTRACT).write_text(document, "utf-8")
    with (version / SAVED_MODEL).open("ab") as graph:
        graph.write(carried(document))


def carried(document: str) -> bytes:
    """What a graph has more that carries *document*: a field that TensorFlow doesn't know, and leaves alone."""
    content = document.encode()
    return b"\xc2\x3e" + _VarintBytes(len(content)) + content
