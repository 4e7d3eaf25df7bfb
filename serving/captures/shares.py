"""Which requests are captured: the share of a model's, and larger ones of what tells more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EVERY = "*"


@dataclass(frozen=True)
class Shares:
    """The share of the requests that is taken, 0 to 1: *by_model*, where `*` stands for all that are not named.

    Of failed requests at least *errors* is taken, of those with a score below *low_score* at least *low_share*.
    """

    by_model: Mapping[str, float] = field(default_factory=lambda: {EVERY: 1.0})
    errors: float = 0.0
    low_score: float = 0.0
    low_share: float = 0.0

    def of_failed(self, model: str) -> float:
        """Return the share of failed requests."""
        return max(self._usual(model), self.errors)

    def of_answered(self, model: str, answers: Sequence[Mapping[str, Any]]) -> float:
        """Return the share of requests with such *answers*: one low score is enough."""
        usual = self._usual(model)
        if self.low_share <= usual or not any(score < self.low_score for it in answers for score in scores_in(it)):
            return usual
        return self.low_share

    def _usual(self, model: str) -> float:
        return self.by_model.get(model, self.by_model.get(EVERY, 0.0))


def scores_in(answer: Mapping[str, Any]) -> Iterator[float]:
    """Yield how sure the answer is: a label's score, the best of tags', and those of each head if there are several."""
    if "label" in answer and "score" in answer:
        yield answer["score"]
    elif "tags" in answer and "scores" in answer:
        yield max(answer["scores"].values(), default=0.0)
    else:
        for part in answer.values():
            if isinstance(part, dict):
                yield from scores_in(part)
