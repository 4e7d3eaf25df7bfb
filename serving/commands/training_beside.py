"""Training in a process of its own while `plumbline up` serves: a demo answers as soon as its first model is there."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import click

_OPTIONS = ("--recipe", "baseline", "--protocol", "none", "--no-compare", "--missing", "--or-sample")
"""Each model that is missing, once, by its plainest recipe: a few minutes in all."""

_NICE = 10
"""How much lower the priority is than that of what answers, which shares the processors."""

_STOP_SECONDS = 30


class TrainingBeside:
    """`plumbline train all` for the models that *models_dir* lacks; it is stopped at the end of the `with` block.

    It prints to the same terminal. If it fails, what is published is served on.
    """

    def __init__(self, models_dir: Path) -> None:
        command = [sys.executable, "-P", "-m", "serving", "train", "all", *_OPTIONS, "--models-dir", str(models_dir)]
        # A session of its own: Ctrl-C reaches only `plumbline up`, which then stops it.
        self._popen = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - the command is fixed
        _lower_priority(self._popen.pid)
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def check(self) -> None:
        """Print once that it has ended, and how."""
        code = self._popen.poll()
        if code is None or self._is_over:
            return
        self._is_over = True
        if code:
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            click.echo(
                f"training ended {how}; what is published is served. To train what is missing, run this again.",
                err=True,
            )
        else:
            click.echo("All models are trained.")


def _lower_priority(pid: int) -> None:
    """Lower the priority of a process that has just started: threads take over that of the one that starts them."""
    os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + _NICE)
    with contextlib.suppress(OSError):  # Linux may share the processors among sessions first
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))
