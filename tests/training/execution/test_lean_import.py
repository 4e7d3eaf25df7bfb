import subprocess
import sys

from training.execution.lean_import import OPTIONAL

IMPORTED = f"""
import sys
from training.commands.options import import_tensorflow
import_tensorflow()
import keras
print([name for name in {OPTIONAL} if name in sys.modules])
for name in {OPTIONAL}:
    __import__(name)
keras.Sequential([keras.layers.Dense(1)]).build((None, 2))
"""


def test_a_job_starts_without_the_packages_that_keras_takes_where_they_are_but_can_import_them():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
