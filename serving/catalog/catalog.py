"""The catalog: reading never waits, and each refresh swaps in one new state of one model."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from serving.catalog.admission import Admission, without_name
from serving.catalog.model_server import ModelServer
from serving.catalog.state import LiveModel, ModelState
from serving.errors import ModelServerOverloaded, PlumblineError, UnknownModel, UnknownVersion

_log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0
ADMISSION_SECONDS = 20.0  # a version without warm-up can take long over its first answer


class Catalog:
    """The live versions of *models* on *server*; *on_refresh* is told each model's state after each refresh."""

    def __init__(
        self,
        server: ModelServer,
        models: Sequence[str],
        on_refresh: Callable[[str, ModelState], None] = lambda model, state: None,
    ) -> None:
        self.models = tuple(models)
        self._server = server
        self._on_refresh = on_refresh
        self._states = dict.fromkeys(self.models, ModelState())
        self._locks = {model: threading.Lock() for model in self.models}
        self._started = dict.fromkeys(self.models, 0.0)

    def state(self, model: str) -> ModelState:
        """Give what is known of a model; raises UnknownModel."""
        try:
            return self._states[model]
        except KeyError:
            raise UnknownModel(model, self.models) from None

    def live(self, model: str, version: int | None = None, budget_seconds: float = ADMISSION_SECONDS) -> LiveModel:
        """Give a live version, the newest if none is named; raises UnknownModel, ModelNotReady or UnknownVersion.

        It waits, at most for *budget_seconds*, only if no version is live yet or the named one is not.
        """
        state = self.state(model)
        if not state.live or (version is not None and version not in state.live):
            self.refresh(model, budget_seconds)
        return self.state(model).choose(model, version)

    def refresh(self, model: str, budget_seconds: float = ADMISSION_SECONDS) -> None:
        """Ask the model server what it serves, and admit what is new. A failure is noted in the state, not raised.

        Callers at the same time share one refresh that began after they called; none waits longer than its budget.
        """
        asked = time.monotonic()
        if not self._locks[model].acquire(timeout=max(budget_seconds, 0)):
            return
        try:
            if self._started[model] <= asked:
                self._started[model] = time.monotonic()
                self._swap(model, self._refreshed(model, self._states[model], budget_seconds))
        finally:
            self._locks[model].release()

    def _refreshed(self, model: str, before: ModelState, budget_seconds: float) -> ModelState:
        try:
            statuses = self._server.versions(model, min(STATUS_SECONDS, budget_seconds))
        except UnknownVersion:
            return ModelState(problem="the model server has no such model", checked=True)
        except ModelServerOverloaded:
            return replace(before, checked=True)  # it is there, and what it serves will be asked again
        except PlumblineError as error:
            # What is live stays so: the server may be back before the next request.
            return replace(before, refused={}, problem=without_name(model, error), checked=True)
        return Admission(self._server, model, min(ADMISSION_SECONDS, budget_seconds)).run(before, statuses)

    def _swap(self, model: str, after: ModelState) -> None:
        before, self._states[model] = self._states[model], after
        _log_changes(model, before, after)
        self._on_refresh(model, after)


def _log_changes(model: str, before: ModelState, after: ModelState) -> None:
    for version, live in after.live.items():
        if before.live.get(version) is not live:
            _log.info("%s: version %d is live", model, version)
    for version in before.live.keys() - after.live.keys():
        _log.info("%s: version %d is no longer live", model, version)
    for version, refusal in after.refused.items():
        if version not in before.refused or before.refused[version].reason != refusal.reason:
            _log.error("%s: version %d is not admitted: %s", model, version, refusal.reason)
    if after.problem and after.problem != before.problem:
        _log.warning("%s: %s", model, after.problem)
    if after.ready and not before.ready:
        _log.info("%s: ready", model)
