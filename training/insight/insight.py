"""All that a job looks at for its report once the model is trained, apart from the answers themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from training.data.datasets import Dataset
from training.experiments.record import RunRecord
from training.insight.summary import Summary, summarise
from training.task import ANSWER


@dataclass(frozen=True)
class Insight:
    """What the rows tell; what was not looked at is None."""

    summary: Summary | None = None


NOTHING = Insight()


def look(data: Dataset, record: RunRecord, kinds: Mapping[str, str]) -> Insight:
    """Look at the rows of a run. *kinds* are those of the fields in its contract."""
    return Insight(summarise(data.train, data.test, kinds, record.head, record.head_name or ANSWER))
