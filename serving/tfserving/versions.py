"""What a model server says of the versions of a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VersionStatus:
    """The state of a model's version on the model server; *problem* says why it is not served, if that is known."""

    version: int
    available: bool
    problem: str
