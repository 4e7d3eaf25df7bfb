"""The report of a training run: a job only calls `write_report(record, folder, outcome)`."""

from training.report.outcome import Outcome
from training.report.writing import write_report

__all__ = ["Outcome", "write_report"]
