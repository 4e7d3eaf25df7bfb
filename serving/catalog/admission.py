"""Decides which of a model's versions may answer: those whose contract was read and whose parity examples agree."""

import json
import time
from collections.abc import Mapping, Sequence

from serving.catalog.contract_cache import Contracts, own_faults_told
from serving.catalog.model_server import ModelServer
from serving.catalog.state import LiveModel, ModelState, Refusal, by_weights
from serving.contract import Features, check_parity
from serving.contract.answers import Outputs
from serving.errors import (
    ContractError,
    ModelServerOverloaded,
    ModelServerTimeout,
    ModelServerUnavailable,
    PredictionError,
    UnknownVersion,
)
from serving.process.turns import Turns
from serving.tfserving.version_status import VersionState, VersionStatus

RETRY_REFUSED_SECONDS = 60.0
TURN_SECONDS = 2.0
"""How long an admission may keep others waiting."""

_TRANSIENT = (ModelServerOverloaded, ModelServerTimeout, ModelServerUnavailable, UnknownVersion)
"""Errors that are no fault of the version: it is tried again at the next refresh."""

_UNLOADED = (VersionState.UNLOADING, VersionState.ENDED)


class Admission:
    """Admits versions of one model, whose contracts *contracts* reads. Each call to the server may take *seconds*.

    One is admitted at a time among those that share *turns*, so that many that appear together don't take the
    processor from requests.
    """

    def __init__(
        self,
        server: ModelServer,
        model: str,
        seconds: float,
        contracts: Contracts,
        turns: Turns | None = None,
    ) -> None:
        self._server = server
        self._model = model
        self._seconds = seconds
        self._contracts = contracts
        self._turns = turns or Turns(TURN_SECONDS)

    def run(self, before: ModelState, statuses: Sequence[VersionStatus]) -> ModelState:
        """Return the state that follows *before*."""
        live: dict[int, LiveModel] = {}
        refused: dict[int, Refusal] = {}
        banned = {it.version for it in statuses if it.version in before.weights.refused}
        for status in sorted(statuses, key=lambda status: -status.version):
            if status.version in banned:  # it is not even asked
                continue
            outcome = self._outcome_of(status, before)
            if isinstance(outcome, LiveModel):
                live[status.version] = outcome
            elif outcome:
                refused[status.version] = outcome
        if not live and refused and all(refusal.is_transient for refusal in refused.values()):
            # The servers behind one address differ: one lists a version that another lacks. Keep what was live.
            live = dict(before.live)
        refused |= {version: by_weights(before.weights, version) for version in banned}
        problem = "" if live else _why_none(refused, statuses)
        listed = frozenset(status.version for status in statuses if status.available or status.problem) | live.keys()
        return ModelState(live, refused, problem, before.weights, listed, tuple(statuses), answered=True)

    def _outcome_of(self, status: VersionStatus, before: ModelState) -> LiveModel | Refusal | None:
        if status.available:
            return self._outcome(status, before)
        # TensorFlow Serving reports a version as loading until all requests have ended that were running when it was
        # loaded, of any model. It answers before that, so try it. One that does not answer yet is no refusal.
        # In this process nothing answers without an engine: if it does now, the list is of a moment before.
        if status.state is VersionState.LOADING and status.engine:
            return self._outcome(status, before, is_loading=True)
        return _still_refused(status, before) if status.state in _UNLOADED else None

    def _outcome(
        self, status: VersionStatus, before: ModelState, is_loading: bool = False
    ) -> LiveModel | Refusal | None:
        known, refusal = before.live.get(status.version), before.refused.get(status.version)
        # While the server was unavailable, another may have replaced it, with another model under the same number.
        if known and before.ready and not is_loading:
            return known
        if refusal and time.monotonic() < refusal.retry_at:
            return refusal
        try:
            with self._turns.one(self._seconds):
                return self._admit(status, known)
        except _TRANSIENT as error:
            if is_loading and (known is None or isinstance(error, UnknownVersion)):
                return None
            return known or Refusal(error.problem, code=error.code, is_transient=True)
        except PredictionError as error:
            return Refusal(error.problem, time.monotonic() + RETRY_REFUSED_SECONDS, error.code)

    def _admit(self, status: VersionStatus, known: LiveModel | None) -> LiveModel:
        version = status.version
        document = self._server.contract(self._model, version, self._seconds)
        if known and known.document == document:
            return known
        with own_faults_told():
            contract, document = self._contracts.read(document)
            if contract.model != self._model:
                raise ContractError(f"expected the contract of {self._model}, got that of {contract.model}")
            check_parity(contract, lambda features: self._outputs(version, features))
            json.dumps([contract.record.schema, contract.answers.schema, contract.answers.facts])  # which others list
        return LiveModel(self._model, version, contract, document, status.engine)

    def _outputs(self, version: int, features: Features) -> Outputs:
        _, outputs = self._server.predict(self._model, version, features, self._seconds)
        return outputs


def _still_refused(status: VersionStatus, before: ModelState) -> Refusal | None:
    """Return why a version was refused that has been unloaded since: who forgets that would load it at once again."""
    refusal = before.refused.get(status.version)
    return refusal if refusal and time.monotonic() < refusal.retry_at else None


def _why_none(refused: Mapping[int, Refusal], statuses: Sequence[VersionStatus]) -> str:
    reasons = [f"version {version} was not admitted: {refusal.reason}" for version, refusal in refused.items()]
    reasons += [f"version {status.version}: {status.problem}" for status in statuses if status.problem]
    return "; ".join(reasons) or "no version is available on the model server"
