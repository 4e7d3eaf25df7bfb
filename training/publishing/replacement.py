"""Whether what a job has trained may take the place of the live version; each live version is put to the test once."""

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
    """Decides on the model that has *contract* and was measured as *record* says.

    With *replace_incomparable*, it may also replace a live version that can't be asked the same rows.
    """

    def __init__(self, task: Task, contract: Contract, record: RunRecord, replace_incomparable: bool, say: Say) -> None:
        self._task = task
        self._contract = contract
        self._record = record
        self._replace_incomparable = replace_incomparable
        self._say = say
        self._decided: dict[int | None, tuple[str, Comparison | Incomparable | None]] = {}

    def decide(self, live: Version | None) -> str:
        """Say by what comparison the model may take the place of *live*; raises GateRefused."""
        number = live.number if live else None
        if number not in self._decided:
            self._decided[number] = self._decision(live)
        return self._decided[number][0]

    def documented(self) -> Contract:
        """Give the contract with what was decided last in its provenance."""
        said, compared = list(self._decided.values())[-1]
        told: dict[str, Any] = {"decision": said}
        if isinstance(compared, Comparison):
            told["compared"] = dataclasses.asdict(compared)
        return dataclasses.replace(self._contract, provenance={**self._contract.provenance, "gate": told})

    def _decision(self, live: Version | None) -> tuple[str, Comparison | Incomparable | None]:
        compared = self._compared(live) if live and not self._record.sample else None
        said = gate.check(
            self._contract,
            live.contract if live else None,
            self._task.problem,
            self._task.floor,
            self._task.regression_tolerance,
            compared,
            self._replace_incomparable,
        )
        return said, compared

    def _compared(self, live: Version) -> Comparison | Incomparable | None:
        if live.contract and is_sample(live.contract):
            return None
        self._say(
            f"{self._record.model}: live version {live.number} answers the same {len(self._record.test_scores)} rows"
        )
        try:
            return compare_with_live(live, self._contract.output, self._record)
        except Incomparable as error:
            return error


def check_before_training(name: str, task: Task, data: Dataset, sample: bool, live: Contract | None) -> None:
    """Raise GateRefused where it is plain already that the live version can't be compared with."""
    if live is None or sample or is_sample(live) or gate.same_data(live, data.name, data.sha256()):
        return
    try:
        check_question(live, task.problem, task.output(data), data.test.instances)
    except Incomparable as error:
        raise gate.refused_as_incomparable(name, "nothing was trained", str(error)) from error
