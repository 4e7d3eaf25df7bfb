"""The report of a training run: a job only calls `write_report(record, folder)`."""

from training.report.writing import write_report

__all__ = ["write_report"]
