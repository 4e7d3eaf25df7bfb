import subprocess
import sys

from training.execution.lean_import import OPTIONAL

IMPORTED = f"""
import gc, sys
from training.commands.options import import_tensorflow
import_tensorflow()
import keras
print([name for name in {OPTIONAL} if name in sys.modules])
for name in {OPTIONAL}:
    __import__(name)
keras.Sequential([keras.layers.Dense(1)]).build((None, 2))
print(gc.get_freeze_count() > 100_000)
"""


def test_a_job_starts_without_packages_that_it_can_import_later_and_collects_no_garbage_of_tensorflow():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "[]\nTrue\n"), done.stderr
