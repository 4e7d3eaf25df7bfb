"""The report of a training run: `write_report(record, folder)` is all that the job calls."""

from training.report.writing import write_report

__all__ = ["write_report"]
