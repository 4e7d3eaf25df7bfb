"""The share of one canary in the weights document: given, renewed, ended."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from serving.catalog.weights import InvalidWeights, Lines, Share, parse, written
from serving.rollout import edits
from serving.rollout.errors import WeightsUnavailable
from serving.rollout.weights_place import WeightsPlace


class Weighing:
    """Changes the weights of *version* of *model*, whose *stable* version answers else.

    Each share ends *expires* after it was written, so that gateways take it back if nobody renews it. *percent* is the
    share now, None for none.
    """

    def __init__(self, place: WeightsPlace, model: str, version: int, stable: int, expires: timedelta) -> None:
        self._place = place
        self._model = model
        self.version = version
        self.stable = stable
        self._expires = expires
        self.percent: float | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._since = self._until

    def go_on(self, share: Share) -> None:
        """Take over the share that an earlier command has given."""
        self.percent = share.percent

    def give(self, percent: float, since: datetime) -> None:
        """Give a share. Raise WeightsUnavailable, ChangedByOthers or InvalidWeights."""
        until = datetime.now(UTC) + self._expires
        share, before = Share(percent, since, until), self.percent
        self._change(lambda lines: edits.given(lines, self.version, self.stable, share, before))
        self.percent, self._since, self._until = percent, since, until

    def renew(self) -> None:
        """Let the share end later, if half of its time is over. Raise what `give` raises."""
        if self.percent is not None and self._until - datetime.now(UTC) < self._expires / 2:
            self.give(self.percent, self._since)

    def finish(self) -> None:
        """Make the version the stable one. Raise what `give` raises."""
        before = self.percent or 0.0
        self._change(lambda lines: edits.finished(lines, self.version, self.stable, before))

    def withdraw(self) -> None:
        """Give it nothing any more. Raise what `give` raises."""
        self._change(lambda lines: edits.withdrawn(lines, self.version))
        self.percent = None

    def refuse(self, reason: str) -> None:
        """Let it never answer any more. Raise what `give` raises."""
        self._change(lambda lines: edits.refused(lines, self.version, reason))
        self.percent = None

    def _change(self, edit: Callable[[Lines], Lines]) -> None:
        def edited(text: str) -> str:
            after = written(text, self._model, edit(lines_of(text, self._model)))
            parse(after)  # other shares of this model may leave no room
            return after

        self._place.change(edited)


def lines_of(text: str, model: str) -> Lines:
    """Return what a document says of a model. Raise WeightsUnavailable if it has a mistake."""
    try:
        return parse(text).get(model, Lines())
    except InvalidWeights as error:
        raise WeightsUnavailable(f"the weights document has a mistake: {error}") from error
