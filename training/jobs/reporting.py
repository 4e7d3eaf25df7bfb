"""What a job hands to its report once the gate has decided."""

import dataclasses
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import tensorflow as tf

from serving.registry import Version
from training.errors import TrainingError
from training.experiments.record import RunRecord
from training.insight.insight import NOTHING, Insight
from training.publishing.comparison import Comparison
from training.publishing.live_version import Incomparable
from training.report.outcome import Live, Outcome
from training.report.tracking import is_tracking, log_run
from training.report.writing import write_report
from training.runs.rows_file import write_rows
from training.task import Say

_NOT_ASKED = "was not asked: a model of the built-in sample is compared with none"


class CannotReport(TrainingError):
    """The report can't be written. To run the job again would write none: its version is published, or refused."""


@dataclasses.dataclass(frozen=True)
class Reporting:
    """Writes the report of a job that *started* then to a new folder in *reports_dir*; without one, none."""

    reports_dir: Path | None
    started: datetime
    say: Say

    def report(
        self, record: RunRecord, looked: Callable[[], Insight], decision: str, version: int | None, live: Live | None
    ) -> None:
        """Write that the gate's *decision* made the run *version*, or refused it (None). Raises CannotReport.

        *looked* gives what the rows tell, and is only called if there is a report.
        """
        if self.reports_dir is None:
            return
        record = dataclasses.replace(record, decision=decision)
        insight = self._insight(record, looked)
        outcome = Outcome(started=self.started, version=version, live=live)
        folder = self.reports_dir / record.model / outcome.ended.strftime("%Y%m%dT%H%M%SZ")
        try:
            page = write_report(record, folder, outcome, insight)
            write_rows(record, folder)
            self.say(f"{record.model}: report {page}")
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise CannotReport(
                f"{record.model}: the report can't be written to {folder}: {error}; the run itself is done: {decision}"
            ) from error
        if is_tracking():
            self.say(f"{record.model}: {log_run(record, folder)}")

    def _insight(self, record: RunRecord, looked: Callable[[], Insight]) -> Insight:
        try:
            return looked()
        except Exception as error:  # the data are anyone's, and the run is done: its report must not fail because of it
            self.say(f"{record.model}: the report tells nothing of the data: {type(error).__name__}: {error}")
            return NOTHING


def told_of(live: Version | None, compared: Comparison | Incomparable | None) -> Live | None:
    """Return what the report tells of the *live* version, and of how it was *compared* with the new model."""
    if live is None:
        return None
    trained_at = str(live.provenance.get("trained_at", ""))
    if isinstance(compared, Comparison):
        chance = f"{compared.test}, one-sided: p = {compared.p:.2g}"
        return Live(version=live.number, trained_at=trained_at, metric=compared.live, chance=chance)
    return Live(version=live.number, trained_at=trained_at, why_not=str(compared or _NOT_ASKED))
