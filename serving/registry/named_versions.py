"""Which versions a models.config names: what is pinned or labelled there must stay in the folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf import text_format

from serving.registry.errors import UnreadableConfig
from serving.tfserving.rebuilt_messages import ModelServerConfig

_MAX_BYTES = 1 << 20


def named_versions(config: Path, numbers: Callable[[str], Sequence[int]]) -> dict[str, set[int]]:
    """Return the versions that TensorFlow Serving's file *config* has loaded or labelled, by the folder of the model.

    *numbers* lists the versions in a folder, ascending. Raises UnreadableConfig.
    """
    found: dict[str, set[int]] = {}
    for model in _read(config).model_config_list.config:
        folder = PurePosixPath(model.base_path).name or model.name
        labelled = {label.value for label in model.version_labels}
        loaded = _loaded(model.model_version_policy, numbers(folder))
        found.setdefault(folder, set()).update(labelled, loaded)
    return found


def _read(config: Path) -> Any:
    try:
        if (size := config.stat().st_size) > _MAX_BYTES:
            raise UnreadableConfig(config, f"expected at most {_MAX_BYTES} bytes, got {size}")
        # Fields that are not read here are allowed, but a file of another kind is not taken for an empty list.
        read = text_format.Parse(config.read_bytes(), ModelServerConfig(), allow_unknown_field=True)
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise UnreadableConfig(config, str(error)) from error
    if not read.HasField("model_config_list"):
        raise UnreadableConfig(config, "expected a model_config_list")
    return read


def _loaded(policy: Any, numbers: Sequence[int]) -> Sequence[int]:
    """Return which of *numbers*, which ascend, the policy has loaded, and all that it names."""
    if policy.HasField("specific"):
        return list(policy.specific.versions)
    if policy.HasField("all"):
        return numbers
    return numbers[-max(policy.latest.num_versions, 1) :]


def united(*found: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Return by model the versions that are in any of *found*."""
    return {model: set().union(*(each.get(model, ()) for each in found)) for each in found for model in each}
