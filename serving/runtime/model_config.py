"""The configuration of a served model."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.runtime.storage import Policy


@dataclass(frozen=True)
class ModelConfig:
    """One model: the folder of its versions, which of them to serve, and their labels."""

    name: str
    base_path: Path
    policy: Policy
    labels: dict[str, int] = field(default_factory=dict)
