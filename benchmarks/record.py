"""A contract of 50 mixed fields beside pandas and scikit-learn: the same rows, and the same numbers of them."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.environments import ROOT, python_of
from benchmarks.results import Results

_WORK = "benchmarks.rivals.column_transformer"


def measure_record(rows: int, rounds: int, results: Results) -> None:
    """Encode *rows* rows by both ways in turns, *rounds* times, in one process. Raises CalledProcessError.

    Both use one thread. Their CPU time is measured, which is the same when others use the machine.
    """
    command: list[str | Path] = [python_of("scikit-learn"), "-m", _WORK, str(rows), str(rounds)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=True)
    for number, seconds in enumerate(json.loads(done.stdout)):
        results.add("record", round=number, rows=rows, seconds=seconds)
