"""What is known of one model, as an immutable value that is replaced as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import random

from serving.contract import Contract
from serving.errors import ModelNotReady, UnknownVersion
from serving.registry.versions import SERVED
from serving.tfserving.version_status import VersionState, VersionStatus


@dataclass(frozen=True)
class LiveModel:
    """A version that may answer requests; *document* is its contract as the model server gave it."""

    model: str
    version: int
    contract: Contract = field(repr=False)
    document: bytes = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """Why an available version was not admitted, and from when on (monotonic seconds) it is tried again.

    *code* is the error's.
    """

    reason: str
    retry_at: float
    code: str = ""


@dataclass(frozen=True)
class ModelState:
    """Live and refused versions of a model, newest first.

    *problem* is why the last refresh failed, or why nothing is live.
    *canary* gives some versions a share, in percent, of the requests that name no version.
    *listed* are the versions that the model server has, or failed to load.
    *statuses* are all that it tells of, also those that are loading or have ended; none while it does not answer.
    """

    live: Mapping[int, LiveModel] = field(default_factory=dict)
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    problem: str = "the model server has not been asked yet"
    canary: Mapping[int, float] = field(default_factory=dict)
    listed: frozenset[int] = frozenset()
    statuses: tuple[VersionStatus, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether requests can be answered, as far as the last refresh tells."""
        return bool(self.live) and not self.problem

    @property
    def desired(self) -> int:
        """The newest version that should be live, rather not a canary; 0 if there is none."""
        return max(self.listed - self.canary.keys() or self.listed, default=0)

    @property
    def available(self) -> int:
        """The newest version that the model server says is available, canaries too; 0 if there is none."""
        return max((status.version for status in self.statuses if status.available), default=0)

    @property
    def failed(self) -> list[int]:
        """Of the versions that the model server is to have loaded, the newest few, those that it could not load."""
        newest = sorted(self.statuses, key=lambda status: -status.version)[:SERVED]
        return [status.version for status in newest if status.state is VersionState.FAILED]

    @property
    def newest(self) -> LiveModel | None:
        """The version that answers requests which name none, but for the share of canaries."""
        tried = (live for version, live in self.live.items() if version not in self.canary)
        return next(tried, None) or next(iter(self.live.values()), None)

    def choose(self, model: str, version: int | None, without: int | None = None) -> LiveModel:
        """Give a live version: the named one, or if none is named one by the canaries' shares.

        *without* is a version that should not be given if there is another. Raises ModelNotReady or UnknownVersion.
        """
        newest = self.newest
        if newest is None:
            raise ModelNotReady(model, f"not ready: {self.problem}")
        if version is not None:
            if version not in self.live:
                raise UnknownVersion(model, version)
            return self.live[version]
        drawn = self._drawn(newest)
        if drawn.version != without:
            return drawn
        return next((live for live in self.live.values() if live.version != without), drawn)

    def _drawn(self, newest: LiveModel) -> LiveModel:
        lot = random() * 100 if self.canary else 100.0  # noqa: S311 - nothing secret
        for version, percent in self.canary.items():
            lot -= percent
            if lot < 0:
                return self.live.get(version, newest)
        return newest
