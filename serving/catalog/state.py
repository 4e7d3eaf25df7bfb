"""What is known of one model, as an immutable value that each refresh replaces."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import random

from serving.catalog.weights import EVEN, ModelWeights
from serving.contract import Contract
from serving.errors import ModelNotReady, UnknownVersion
from serving.process.engines import TENSORFLOW
from serving.registry.versions import SERVED
from serving.tfserving.version_status import VersionState, VersionStatus


@dataclass(frozen=True)
class LiveModel:
    """A version that may answer requests. *document* is its contract as the model server sent it.

    *engine* is what computes it.
    """

    model: str
    version: int
    contract: Contract = field(repr=False)
    document: bytes = field(repr=False)
    engine: str = TENSORFLOW


@dataclass(frozen=True)
class Refusal:
    """Why an available version was not admitted, and when (in monotonic seconds) it may be tried again.

    *code* is the error's. *is_transient* says that the reason is no fault of the version, which may be tried at once.
    """

    reason: str
    retry_at: float = 0.0
    code: str = ""
    is_transient: bool = False


BY_WEIGHTS = "refused_by_weights"
"""The code of a refusal by the weights document."""


def by_weights(weights: ModelWeights, version: int) -> Refusal:
    """Return the refusal of a version that the weights refuse."""
    reason = weights.refused[version]
    return Refusal("it is refused by the weights document" + (f": {reason}" if reason else ""), code=BY_WEIGHTS)


_NOT_CONTACTED = "the model server was not contacted yet"


@dataclass(frozen=True)
class ModelState:
    """Live and refused versions of a model, newest first.

    *problem* says why the last refresh failed, or why nothing is live.
    *weights* say which version answers requests that name none, and which never answer.
    *listed* are the versions that the model server has, or failed to load.
    *statuses* are all versions that it reports, also loading and ended ones; none while it does not answer.
    *answered* says whether the model server answered the last refresh.
    """

    live: Mapping[int, LiveModel] = field(default_factory=dict)
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    problem: str = _NOT_CONTACTED
    weights: ModelWeights = EVEN
    listed: frozenset[int] = frozenset()
    statuses: tuple[VersionStatus, ...] = ()
    answered: bool = False

    @property
    def settled(self) -> bool:
        """Whether it is ready, or will not be by waiting alone: no version of it is being loaded or admitted."""
        return self.ready or (self.answered and not any(map(self._is_pending, self.statuses)))

    @property
    def tried(self) -> bool:
        """Whether it is settled, or the model server did not answer."""
        return self.settled or (not self.answered and self.problem != _NOT_CONTACTED)

    def _is_pending(self, status: VersionStatus) -> bool:
        if status.available:
            refusal = self.refused.get(status.version)
            return refusal is None or refusal.is_transient
        return status.state in (VersionState.START, VersionState.LOADING) and not status.problem

    @property
    def ready(self) -> bool:
        """Whether requests can be answered, as of the last refresh."""
        return self.newest is not None and not self.problem

    @property
    def desired(self) -> int:
        """The stable version, or else the newest that should be live, preferably not a canary; 0 if there is none."""
        allowed = self.listed - self.weights.refused.keys()
        return self.weights.stable or max(allowed - self.weights.shares.keys() or allowed, default=0)

    @property
    def available(self) -> int:
        """The newest version that the model server says is available, canaries too; 0 if there is none."""
        return max((status.version for status in self.statuses if status.available), default=0)

    @property
    def failed(self) -> list[int]:
        """Those that the model server could not load, of the newest versions, which it should have loaded."""
        newest = sorted(self.statuses, key=lambda status: -status.version)[:SERVED]
        return [status.version for status in newest if status.state is VersionState.FAILED]

    @property
    def judged_unfit(self) -> list[int]:
        """Those that were refused for a fault of their own."""
        return [version for version, refusal in self.refused.items() if not refusal.is_transient]

    @property
    def unloadable(self) -> dict[int, str]:
        """Those newer than what answers that the model server could not load, or not yet, with its reasons."""
        newest = max(self.live, default=0)
        failed = [status for status in self.statuses if status.problem and not status.available]
        return {status.version: status.problem for status in failed if status.version > newest}

    @property
    def newest(self) -> LiveModel | None:
        """The version that answers requests that name none, except for the share of canaries.

        None if nothing is live, or nothing but what is newer than a stable version that is still being loaded. If there
        is no such version at all, the next newer one has to answer.
        """
        tried = [live for version, live in self.live.items() if version not in self.weights.shares]
        stable = self.weights.stable
        if stable is None:
            return next(iter(tried or self.live.values()), None)
        if older := [live for live in tried if live.version <= stable]:
            return older[0]
        if any(status.version == stable and self._is_pending(status) for status in self.statuses):
            return None
        return next(reversed(tried or [*self.live.values()]), None)

    def weighed(self, weights: ModelWeights) -> "ModelState":
        """Return the state with other weights: what they refuse is not live.

        What they no longer refuse is admitted by the next refresh.
        """
        refused = {version: it for version, it in self.refused.items() if it.code != BY_WEIGHTS}
        refused |= {version: by_weights(weights, version) for version in weights.refused.keys() & self.listed}
        live = {version: it for version, it in self.live.items() if version not in weights.refused}
        problem = self.problem
        if self.live and not live:
            problem = "; ".join(f"version {version} was not admitted: {it.reason}" for version, it in refused.items())
        newest_first = dict(sorted(refused.items(), reverse=True))
        return replace(self, live=live, refused=newest_first, problem=problem, weights=weights)

    def choose(self, model: str, version: int | None, without: int | None = None) -> LiveModel:
        """Return a live version: the named one, or else one drawn by the canaries' shares.

        *without* is a version to avoid if there is another.

        Raise ModelNotReady or UnknownVersion.
        """
        newest = self.newest
        if newest is None:
            awaited = f"version {self.weights.stable}, which is stable, is not loaded yet"
            raise ModelNotReady(model, f"not ready: {self.problem or awaited}")
        if version is not None:
            if version not in self.live:
                raise UnknownVersion(model, version, self.refused[version].reason if version in self.refused else "")
            return self.live[version]
        drawn = self._drawn(newest)
        if drawn.version != without:
            return drawn
        return next((live for live in self.live.values() if live.version != without), drawn)

    def _drawn(self, newest: LiveModel) -> LiveModel:
        shares = self.weights.shares
        lot = random() * 100 if shares else 100.0  # noqa: S311 - nothing secret
        for version, percent in shares.items():
            lot -= percent
            if lot < 0:
                return self.live.get(version, newest)
        return newest
