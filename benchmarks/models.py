"""The models that are served: the real baselines where their data can be had, else networks of the same size."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.environments import ROOT

_REAL = {"sentiment": ["--recipe=baseline"], "image": ["--recipe=baseline"]}
_SAMPLE = {
    "sentiment": ["--sample", "--recipe=baseline", "--set=num_words=10000", "--set=length=1024"],
    "image": ["--sample", "--recipe=best", "--set=height=150", "--set=width=150", "--set=alpha=0.75"],
}


def train_missing(models_dir: Path, say: Callable[[str], None]) -> None:
    """Train what *models_dir* lacks; raises CalledProcessError."""
    for model, options in _REAL.items():
        if (models_dir / model).is_dir():
            continue
        say(f"{model}: training it, which takes some minutes")
        command = [sys.executable, "-m", "serving", "train", model, "--no-compare", f"--models-dir={models_dir}"]
        command.append(f"--reports-dir={models_dir}-reports")
        if subprocess.run([*command, *options], cwd=ROOT).returncode:
            say(f"{model}: without its real data, so a network of the same size over the sample")
            subprocess.run([*command, *_SAMPLE[model]], cwd=ROOT, check=True)
