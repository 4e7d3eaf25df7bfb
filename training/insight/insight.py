"""All that a job looks at for its report once the model is trained, apart from the answers themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.data.datasets import Dataset
from training.experiments.record import RunRecord
from training.insight.importance import Importance, Score, importance
from training.insight.rows import Looked
from training.insight.slices import Slices, slices
from training.insight.summary import Summary, summarise
from training.task import ANSWER


@dataclass(frozen=True)
class Insight:
    """What the rows tell; what was not looked at is None. The *slices* are by the name of the head, "" of the only."""

    summary: Summary | None = None
    slices: Mapping[str, Slices] = field(default_factory=dict)
    importance: Importance | None = None


NOTHING = Insight()


def look(data: Dataset, record: RunRecord, kinds: Mapping[str, str], score: Score) -> Insight:
    """Look at the rows of a run. *kinds* are those of the fields in its contract; *score* asks the trained model."""
    train, test = (Looked.at(part, kinds) for part in (data.train, data.test))
    records = (record, *record.others.values())
    return Insight(
        summary=summarise(data.train, data.test, (train, test), record.head, record.head_name or ANSWER),
        slices={of_head.head_name: slices(of_head, test) for of_head in records},
        importance=importance(records, [*kinds], score),
    )
