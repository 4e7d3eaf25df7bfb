"""What a run answered to its test rows, so that another run can be compared with it row by row.

A row has the digest of its instance, by which it is found again in another run, also in other data. The rows that cost
the most are kept with what a page shows of them: whatever another run answers better or worse is among the costly rows
of one of the two.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.contract.encoders.fitting import plain_values
from training.data.instances import Instance, walk
from training.experiments.record import RunRecord
from training.report.exhibits import Exhibit, exhibit
from training.runs.costs import severities

MOST_ROWS = 100_000
"""Of more test rows, those with the lowest digests are kept: the same ones in each run."""
MOST_SCORES = 10_000_000
MOST_SHOWN = 2_000
"""So many rows are kept with their instances, as long as these take no more than MOST_SHOWN_BYTES."""
MOST_SHOWN_BYTES = 8 << 20


@dataclass(frozen=True, eq=False)
class Answered:
    """The targets of one head, and the scores that it gave: `float32[n, width]`."""

    targets: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """Test rows of a run: the *numbers* that they have in the test part, their digests, and the answers by head.

    *shown* has some of the instances, by the place of the row here. The name of an only head is empty.
    """

    numbers: np.ndarray
    digests: Sequence[str]
    heads: Mapping[str, Answered]
    shown: Mapping[int, Exhibit] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.digests)


def rows_of(record: RunRecord) -> Rows:
    """Return the test rows of a run, of which the instances are read once more."""
    runs = [record, *record.others.values()]
    digests = _digests(record.test_instances)
    width = sum(run.test_scores.shape[1] for run in runs)
    most = min(MOST_ROWS, max(1, MOST_SCORES // width))
    numbers = np.sort(np.argsort(digests, kind="stable")[:most])
    heads = {run.head_name: Answered(run.test_targets[numbers], run.test_scores[numbers]) for run in runs}
    kept = digests[numbers].tolist()
    return Rows(numbers, kept, heads, dict(_shown(record.test_instances, numbers, _severest(runs, numbers))))


def digest(instance: Instance) -> str:
    """Return what is the same for equal instances: 32 hexadecimal digits. 1 and 1.0 are equal, as in JSON."""
    document = json.dumps({str(name): _canonical(value) for name, value in instance.items()}, sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:32]


def document(shown: Exhibit) -> str:
    """Return the instance as JSON."""
    return json.dumps(dataclasses.asdict(shown))


def _digests(instances: Sequence[Instance]) -> np.ndarray:
    digests = np.empty(len(instances), "U32")
    for numbers, piece in walk(instances):
        digests[numbers] = [digest(instance) for instance in piece]
    return digests


def _canonical(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Mapping):
        return {str(name): _canonical(each) for name, each in value.items()}
    if not isinstance(value, str):
        (value,) = plain_values([value])
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else repr(value)


def _severest(runs: Sequence[RunRecord], numbers: np.ndarray) -> list[int]:
    """Return the places of the rows that are answered worst, by all heads, the worst first."""
    total = np.zeros(len(numbers))
    for run in runs:
        of_head = severities(run.problem, run.test_targets, run.test_scores)[numbers]
        total += of_head / (of_head.mean() or 1.0)
    order = np.argsort(-total, kind="stable")[:MOST_SHOWN]
    return [place for place in order.tolist() if total[place] > 0]


def _shown(instances: Sequence[Instance], numbers: np.ndarray, places: Sequence[int]) -> Iterator[tuple[int, Exhibit]]:
    left = MOST_SHOWN_BYTES
    for place in places:
        shown = exhibit(instances[int(numbers[place])])
        left -= len(document(shown))
        if left < 0:
            return
        yield place, shown
