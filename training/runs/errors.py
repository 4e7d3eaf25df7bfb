"""What can be wrong with runs that are asked for."""

from collections.abc import Sequence
from pathlib import Path

from training.errors import TrainingError


class NoReports(TrainingError):
    """There is no folder of reports, or it can't be read."""

    def __init__(self, folder: Path, problem: str = "no such folder") -> None:
        super().__init__(
            f"{folder}: {problem}; expected the reports of training jobs: name their folder with --reports-dir"
        )


class UnknownRun(TrainingError):
    """No run has this name; *there* are some that exist."""

    def __init__(self, named: str, reports: Path, there: Sequence[str]) -> None:
        super().__init__(f"no run of {named} in {reports}; there are: {', '.join(there) or 'none'}")


class AmbiguousRun(TrainingError):
    """Several runs have this name."""

    def __init__(self, named: str, found: Sequence[str]) -> None:
        super().__init__(f"'{named}' is the name of several runs: {', '.join(found)}; give more of it, as MODEL/TIME")


class UnreadableRun(TrainingError):
    """A file of a run is damaged, half written, or something else."""

    def __init__(self, path: Path, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{path}: {problem}; train again, or remove this run's folder")


class Incomparable(TrainingError):
    """Two runs answer different questions."""


class CannotWrite(TrainingError):
    """The page can't be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"--html {path}: {problem}")
