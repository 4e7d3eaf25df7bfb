"""The catalog: reading it never waits, and each refresh replaces the state of one model."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from serving.catalog.admission import TURN_SECONDS, Admission
from serving.catalog.change_log import log_changes, log_left_out
from serving.catalog.contract_cache import Contracts
from serving.catalog.entries import Entry, followed
from serving.catalog.model_server import ModelServer
from serving.catalog.state import LiveModel, ModelState
from serving.catalog.weights import EVEN, Weights
from serving.errors import (
    ModelServerOverloaded,
    ModelServerTimeout,
    PredictionError,
    UnknownLabel,
    UnknownModel,
    UnknownVersion,
)
from serving.process.turns import Turns
from serving.registry.finding import WHAT_TO_DO, Found, ModelFinder
from serving.tfserving.version_status import VersionStatus

_log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0
LABEL_SECONDS = 1.0  # how long a label is assumed to name the same version
ADMISSION_SECONDS = 20.0  # without warm-up, the first answer of a version can take long

_MAX_LOOKS = 3
"""How many servers behind one address are queried before a version counts as removed."""

_NOT_LISTED = ", or no version yet; list it in its models.config, which `plumbline models config` writes"

AWAITED_SECONDS = 300.0
"""How long readiness waits for each of the first models, once the model server has answered or they were found."""


class Catalog:
    """The live versions of *models* on *server*, whose contracts *contracts* reads.

    With *finder* it follows what that finds, instead of *models*. *on_refresh* is called with the model and its state
    after each refresh, *on_change* with the models after some were added or removed. With *weights* None it asks for
    nothing until `weigh` says what they are.
    """

    def __init__(
        self,
        server: ModelServer,
        models: Sequence[str],
        on_refresh: Callable[[str, ModelState], None] = lambda model, state: None,
        weights: Weights | None = MappingProxyType({}),
        contracts: Contracts | None = None,
        finder: ModelFinder | None = None,
        on_change: Callable[[Sequence[str]], None] = lambda models: None,
    ) -> None:
        self._server = server
        self._on_refresh = on_refresh
        self._contracts = contracts or Contracts()
        self._weights = weights
        self._finder = finder
        self._on_change = on_change
        self._looking = threading.Lock()
        self._admitting = Turns(TURN_SECONDS)
        # Replaced, never changed, by `look`.
        self._entries = {model: Entry.of(model, weights or {}, is_awaited=True) for model in models}
        self._labels: dict[tuple[str, str], tuple[int, float]] = {}  # the version, and until when it holds
        self._awaited_until = 0.0  # unknown until the first look, or the model server's first answer
        self.left_out: Mapping[str, str] = {}
        """The reasons why models that were found can't be served."""
        self._problem = ""  # of the last look

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(self._entries)

    @property
    def follows(self) -> bool:
        """Whether the models are those that are found."""
        return self._finder is not None

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here: one model that is ready will do.

        For one that can't be served must not take the others away, or keep gateways from starting. But first each has
        its chance: until it is ready, or refused, or a long time has passed.
        """
        return not self.starting and any(entry.state.ready for entry in self._entries.values())

    @property
    def problem(self) -> str:
        """Why there is no model at all, or none that can be served; empty while it is starting."""
        if self._finder is None or self._problem or self.starting or self.ready:
            return self._problem
        return "none of the models can be served"

    @property
    def starting(self) -> bool:
        """Whether the first models have yet to be tried."""
        if not self._awaited_until:
            return True
        is_awaited = any(entry.is_awaited for entry in self._entries.values())
        return is_awaited and time.monotonic() < self._awaited_until

    @property
    def tried(self) -> bool:
        """Whether every model that is known was tried, so that waiting alone makes no more of them ready."""
        is_looked_for = self._finder is not None and not self._awaited_until and not self._problem
        return not is_looked_for and all(entry.state.tried for entry in self._entries.values())

    def state(self, model: str) -> ModelState:
        """Return what is known of a model. Raise UnknownModel if it is not served."""
        entry = self._entries.get(model)
        if entry is None and self._finder and model not in self.left_out and self._finder.is_new(model):
            self.look()  # another process may have named it already
            entry = self._entries.get(model)
        if entry is None:
            raise UnknownModel(model, self.models, self.left_out.get(model, ""))
        return entry.state

    def states(self) -> dict[str, ModelState]:
        """Return what is known of all models, by name."""
        return {model: entry.state for model, entry in self._entries.items()}

    def weigh(self, weights: Weights) -> None:
        """Divide requests by other weights from now on, without waiting for a refresh that runs."""
        if weights == self._weights:
            return
        self._weights = weights
        for model, entry in self._entries.items():
            log_changes(model, *entry.weigh(weights.get(model, EVEN)))

    def look(self) -> None:
        """Follow what is found: add new models, and remove those that are gone. Without a finder, do nothing."""
        if self._finder is None:
            return
        if self._weights is None:
            return
        with self._looking:
            try:
                found = self._finder.find()
            except OSError as error:
                self._report(f"the models can't be listed: {error}")
                return
            self._follow(found)
            self._report("" if self._entries else f"there is no model yet in {self._finder.folder}; {WHAT_TO_DO}")

    def _follow(self, found: Found) -> None:
        before, after = self._entries, followed(self._entries, found, self._weights or {})
        added = [entry for model, entry in after.items() if before.get(model) is not entry]
        removed = [model for model, entry in before.items() if after.get(model) is not entry]
        if not self._awaited_until:
            self._awaited_until = time.monotonic() + AWAITED_SECONDS
            for entry in added:
                entry.is_awaited = True
        log_left_out(self.left_out, found.left_out)
        self.left_out = found.left_out
        if added or removed:
            self._entries = after
            for model, entry in after.items():  # other weights may have come before the entries did
                entry.weigh((self._weights or {}).get(model, EVEN))
            self._on_change(self.models)
        for model in removed:
            self._labels = {key: it for key, it in self._labels.items() if key[0] != model}
            self._server.forget(model)
            _log.info("%s: %s", model, "published anew" if model in after else "no longer served")

    def _report(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.warning("%s", problem)
        self._problem = problem

    def live(
        self,
        model: str,
        version: int | None = None,
        budget_seconds: float = ADMISSION_SECONDS,
        without: int | None = None,
    ) -> LiveModel:
        """Return the named version, or else the newest or a canary, preferably not version *without*.

        Wait only if no version is live yet, or the named one is not; for at most *budget_seconds*.

        Raise UnknownModel, ModelNotReady or UnknownVersion.
        """
        state = self.state(model)
        is_missing = version is not None and version not in state.live and version not in state.weights.refused
        if not state.live or is_missing:
            self.refresh(model, budget_seconds)
        return self.state(model).choose(model, version, without)

    def labelled(self, model: str, label: str, budget_seconds: float = ADMISSION_SECONDS) -> LiveModel:
        """Return the live version that a label names. Raise UnknownLabel, or the errors of `live`."""
        state = self.state(model)
        version, until = self._labels.get((model, label), (0, 0.0))
        if time.monotonic() >= until or version not in state.live:
            version = self._look_up(model, label, time.monotonic() + budget_seconds)
            self._labels[model, label] = version, time.monotonic() + LABEL_SECONDS
        return self.live(model, version, budget_seconds)

    def refresh(self, model: str, budget_seconds: float = ADMISSION_SECONDS) -> None:
        """Query the model server's versions, and admit new ones. A failure is recorded in the state, not raised.

        Simultaneous callers share one refresh, which started after they called. None waits longer than its budget.
        """
        called = time.monotonic()
        entry = self._entries.get(model)
        if entry is None or self._weights is None or not entry.lock.acquire(timeout=max(budget_seconds, 0)):
            return
        try:
            if entry.started <= called:
                entry.started = time.monotonic()
                self._swap(model, entry, self._refreshed(model, entry.state, budget_seconds))
        finally:
            entry.lock.release()

    def _refreshed(self, model: str, before: ModelState, budget_seconds: float) -> ModelState:
        try:
            statuses = self._statuses(model, before, min(STATUS_SECONDS, budget_seconds))
        except UnknownVersion:
            problem = "the model server has no such model" + (_NOT_LISTED if self._finder else "")
            return ModelState(problem=problem, weights=before.weights, answered=True)
        except ModelServerOverloaded as error:  # it is available; the next refresh queries it again
            return replace(before, problem=error.problem) if before.problem else before
        except PredictionError as error:
            if isinstance(error, ModelServerTimeout) and budget_seconds < STATUS_SECONDS:
                return before  # the caller's budget was too short to conclude anything
            # Live versions stay live: the server may be back before the next request.
            return replace(before, refused={}, statuses=(), problem=error.problem, answered=False)
        seconds = min(ADMISSION_SECONDS, budget_seconds)
        return Admission(self._server, model, seconds, self._contracts, self._admitting).run(before, statuses)

    def _statuses(self, model: str, before: ModelState, seconds: float) -> list[VersionStatus]:
        """Query the versions, repeatedly while a live one is missing. Raise UnknownVersion if there are none.

        During a roll-over, some servers behind one address still have the old version, or already the new one.
        """
        found: dict[int, VersionStatus] = {}
        missing: set[int] = set(before.live)
        deadline = time.monotonic() + seconds
        for look in range(_MAX_LOOKS):
            try:
                statuses = self._server.versions(model, deadline - time.monotonic())
            except UnknownVersion:
                if look + 1 == _MAX_LOOKS and not found:
                    raise
                continue
            found |= {it.version: it for it in statuses if it.available or it.version not in found}
            missing -= {it.version for it in statuses if it.available}
            if not missing:
                break
        return list(found.values())

    def _look_up(self, model: str, label: str, deadline: float) -> int:
        for _ in range(_MAX_LOOKS - 1):
            with suppress(UnknownLabel):
                return self._server.labelled(model, label, deadline - time.monotonic())
        return self._server.labelled(model, label, deadline - time.monotonic())

    def _swap(self, model: str, entry: Entry, after: ModelState) -> None:
        before, after = entry.swap(after)
        if self._entries.get(model) is not entry:  # it was removed meanwhile
            if model not in self._entries:
                self._server.forget(model)
            return
        if self._finder is None and after.answered and not self._awaited_until:
            self._awaited_until = time.monotonic() + AWAITED_SECONDS
        # A configured model that the server lacks may be one that it lists in a minute, or a name that is misspelt.
        is_settled = after.settled and (self._finder is not None or bool(after.statuses))
        entry.is_awaited = entry.is_awaited and not is_settled
        log_changes(model, before, after)
        self._server.judged(model, after.live, after.judged_unfit)
        self._on_refresh(model, after)
