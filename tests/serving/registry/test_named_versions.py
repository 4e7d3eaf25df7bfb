from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from serving.registry import scan
from serving.registry.errors import RegistryError
from serving.registry.named_versions import named_versions
from serving.registry.server_config import models_config
from serving.tfserving.rebuilt_messages import ModelServerConfig
from tests.serving.registry.folders import MODEL, publish_version


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Four versions of one model."""
    for _ in range(4):
        publish_version(tmp_path / "models")
    return tmp_path / "models"


def config(models_dir: Path, text: str) -> Path:
    file = models_dir.parent / "models.config"
    file.write_text(text)
    return file


def numbers_in(models_dir: Path) -> Callable[[str], list[int]]:
    return lambda model: list(scan(models_dir / model))


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ("model_version_policy { specific { versions: 1 versions: 3 } }", {1, 3}),
        ("model_version_policy { latest { num_versions: 3 } }", {2, 3, 4}),
        ("model_version_policy { all { } }", {1, 2, 3, 4}),
        ("", {4}),
        ('version_labels { key: "stable" value: 2 } version_labels { key: "new" value: 4 }', {2, 4}),
        ("logging_config { sampling_config { sampling_rate: 0.5 } }", {4}),
    ],
)
def test_a_list_names_what_it_loads_and_what_it_labels(models_dir: Path, policy: str, named: set[int]) -> None:
    entry = f'name: "{MODEL}" base_path: "/models/{MODEL}" model_platform: "tensorflow"'
    file = config(models_dir, f"model_config_list {{ config {{ {entry} {policy} }} }}")

    assert named_versions(file, numbers_in(models_dir)) == {MODEL: named}


def test_two_names_for_one_folder_keep_what_either_of_them_does(models_dir: Path) -> None:
    old, new = (
        f'config {{ base_path: "/models/{MODEL}/" model_version_policy {{ specific {{ versions: {one} }} }} }}'
        for one in (1, 3)
    )
    file = config(models_dir, f"model_config_list {{ {old} {new} }}")

    assert named_versions(file, numbers_in(models_dir)) == {MODEL: {1, 3}}


def test_what_is_written_for_the_model_servers_is_read(models_dir: Path) -> None:
    file = config(models_dir, models_config([MODEL], "/models", {MODEL: [1, 2]}))

    assert named_versions(file, numbers_in(models_dir)) == {MODEL: {1, 2}}


@pytest.mark.parametrize("text", ["", "model_config_list {", "names: digits", "\xff"])
def test_what_is_no_list_is_refused_since_it_would_name_nothing(models_dir: Path, text: str) -> None:
    file = config(models_dir, "")
    file.write_bytes(text.encode("latin-1"))

    with pytest.raises(RegistryError, match=r"models.config: expected a models.config, as `plumbline models config`"):
        named_versions(file, numbers_in(models_dir))


def test_the_fields_are_those_of_tensorflow_serving() -> None:
    upstream = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")

    theirs = dict(fields(upstream.ModelServerConfig.DESCRIPTOR))
    assert dict(fields(ModelServerConfig.DESCRIPTOR)).items() <= theirs.items()


def fields(message: Any, path: str = "") -> Iterator[tuple[str, tuple[int, int, bool]]]:
    for field in message.fields:
        yield f"{path}.{field.name}", (field.number, field.type, field.is_repeated)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from fields(field.message_type, f"{path}.{field.name}")
