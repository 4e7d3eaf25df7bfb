"""The models that are served: the real baselines if their data are available, else networks of the same size."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.environments import ROOT, WORK
from serving.registry import model_names, read_versions

_REAL = {"sentiment": ["--recipe=baseline"], "image": ["--recipe=baseline"]}
_SAMPLE = {
    "sentiment": ["--sample", "--recipe=baseline", "--set=num_words=10000", "--set=length=1024"],
    "image": ["--sample", "--recipe=best", "--set=height=150", "--set=width=150", "--set=alpha=0.75"],
}


def served_models(models_dir: Path, say: Callable[[str], None], names: Sequence[str] = tuple(_REAL)) -> Path:
    """Copy the models *names*, by default both, and no others, to a separate folder. Return it.

    Trains missing ones; raises CalledProcessError if that fails.
    """
    _train_missing(models_dir, say, names)
    return copy_newest(models_dir, names, WORK / "served")


def copy_newest(models_dir: Path, names: Sequence[str], folder: Path) -> Path:
    """Copy the newest version of each model to *folder*, as version 1. Return *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in names:
        newest = read_versions(models_dir, name)[-1]
        shutil.copytree(models_dir / name / str(newest.number), folder / name / "1")
    return folder


def _train_missing(models_dir: Path, say: Callable[[str], None], names: Sequence[str]) -> None:
    published = model_names(models_dir) if models_dir.is_dir() else []
    for model in names:
        if model in published:
            continue
        say(f"{model}: training, which takes some minutes")
        command = [sys.executable, "-m", "serving", "train", model, "--no-compare", f"--models-dir={models_dir}"]
        command.append(f"--reports-dir={models_dir}-reports")
        if subprocess.run([*command, *_REAL[model]], cwd=ROOT).returncode:
            say(f"{model}: no real data, so a network of the same size is trained on the sample")
            subprocess.run([*command, *_SAMPLE[model]], cwd=ROOT, check=True)
