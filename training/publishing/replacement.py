"""Whether a trained model may replace the live version; each live version is evaluated only once."""

import dataclasses
from typing import Any

from serving.contract import Contract
from serving.registry import is_sample
from serving.registry.versions import Version
from training.data.datasets import Dataset
from training.experiments.record import RunRecord
from training.publishing import gate
from training.publishing.comparison import Comparison
from training.publishing.live_version import Incomparable, check_question, compare_with_live
from training.task import Say, Task


class Admission:
    """Decides whether the model with this *contract*, evaluated in *record*, may be published.

    With *replace_incomparable*, it may also replace a live version that can't be evaluated on the same rows.
    """

    def __init__(self, task: Task, contract: Contract, record: RunRecord, replace_incomparable: bool, say: Say) -> None:
        self._task = task
        self._contract = contract
        self._record = record
        self._replace_incomparable = replace_incomparable
        self._say = say
        self._decided: dict[int | None, tuple[str, Comparison | Incomparable | None]] = {}
        self.looked_at: tuple[Version | None, Comparison | Incomparable | None] = (None, None)
        """The live version that was decided about last, and how it compares; also if the model was refused."""

    def decide(self, live: Version | None) -> str:
        """Return a sentence on why the model may replace *live*. Raises GateRefused if it may not."""
        number = live.number if live else None
        if number not in self._decided:
            self._decided[number] = self._decision(live)
        return self._decided[number][0]

    def documented(self) -> Contract:
        """Return the contract with the last decision in its provenance."""
        decision, compared = list(self._decided.values())[-1]
        decided: dict[str, Any] = {"decision": decision}
        if isinstance(compared, Comparison):
            decided["compared"] = dataclasses.asdict(compared)
        return dataclasses.replace(self._contract, provenance={**self._contract.provenance, "gate": decided})

    def _decision(self, live: Version | None) -> tuple[str, Comparison | Incomparable | None]:
        compared = self._compared(live) if live and not self._record.sample else None
        self.looked_at = live, compared
        decision = gate.check(
            self._contract,
            live.contract if live else None,
            self._record.problem,
            self._task.floor,
            self._task.regression_tolerance,
            compared,
            self._replace_incomparable,
            {name: other.problem for name, other in self._record.others.items()},
        )
        return decision, compared

    def _compared(self, live: Version) -> Comparison | Incomparable | None:
        if live.contract and is_sample(live.contract):
            return None
        rows = len(self._record.test_scores)
        self._say(f"{self._record.model}: evaluating live version {live.number} on the same {rows} rows")
        try:
            return compare_with_live(live, self._record)
        except Incomparable as error:
            return error


def check_before_training(name: str, task: Task, data: Dataset, sample: bool, live: Contract | None) -> None:
    """Raise GateRefused if it is already certain that the live version can't be compared with the new model."""
    if live is None or sample or is_sample(live) or gate.same_data(live, data.name, data.sha256()):
        return
    main, head_name = task.main, "" if len(task.questions) == 1 else next(iter(task.questions))
    try:
        check_question(live, main.problem, main.output(data), head_name, data.test.instances)
    except Incomparable as error:
        raise gate.refused_as_incomparable(name, "nothing was trained, because", str(error)) from error
