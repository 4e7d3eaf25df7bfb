"""A version that answers instances in this process, whether it is live anywhere or not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from serving.catalog import Catalog
from serving.contract import Contract
from serving.errors import PredictionError
from serving.model_servers import connect
from serving.model_servers.errors import CannotServe
from serving.prediction.predictor import Predictor
from serving.replay.errors import ReplayError

_SECONDS = 3600.0
"""No deadline to speak of: a replay may take its time."""

Answer = dict[str, Any] | str
"""An answer as /predict gives it, or why there is none."""


class Version(Protocol):
    """One version of a model, which answers by its *contract*."""

    number: int
    contract: Contract

    def answers(self, instances: Sequence[Any]) -> list[Answer]:
        """Return an answer, or a reason against one, for each of *instances*. Raise ReplayError."""
        ...


class VersionInProcess:
    """Version *number* of *model* in *models_dir*; raises ReplayError if it can't be loaded or is not admitted."""

    def __init__(self, models_dir: Path, model: str, number: int) -> None:
        self.number = number
        try:
            server = connect.one_version(models_dir, model, number)
            catalog = Catalog(server, [model])
            self._live = catalog.live(model, number)
        except (CannotServe, PredictionError) as error:
            raise ReplayError(str(error)) from error
        self.contract = self._live.contract
        self._predictor = Predictor(catalog, server)

    def answers(self, instances: Sequence[Any]) -> list[Answer]:
        """Return an answer, or the contract's objection, for each of *instances*. Raise ReplayError."""
        try:
            prediction = self._predictor.predict_each(self._live, instances, _SECONDS)
        except PredictionError as error:
            raise ReplayError(f"version {self.number}: {error}") from error
        made = iter(prediction.answers)
        rejected = {number: "; ".join(map(str, faults)) for number, faults in prediction.rejected.items()}
        return [rejected[number] if number in rejected else next(made) for number in range(len(instances))]
