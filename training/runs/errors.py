"""What can be wrong with a run that is asked for."""

from pathlib import Path

from training.errors import TrainingError


class UnreadableRun(TrainingError):
    """A file of a run is damaged, half written, or something else."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}; train again, or remove this run's folder")
