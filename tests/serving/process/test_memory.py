import subprocess
import sys

from serving.process import memory

FREED_MB = """
import ctypes, re, sys
from serving.process import memory

def anonymous_mb():
    return int(re.search(r"Anonymous: *([0-9]+) kB", open("/proc/self/smaps_rollup").read()).group(1)) / 1000

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
blocks = [libc.malloc(8192) for _ in range(8000)]
for block in blocks:
    ctypes.memset(block, 1, 8192)
for block in blocks[:-1]:  # the last holds all that is below it
    libc.free(block)
before = anonymous_mb()
memory.trim()
print(before - anonymous_mb())
"""


def test_what_was_freed_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", FREED_MB], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 40  # of 64


def test_a_process_that_may_be_lost_is_killed_before_its_parent() -> None:
    code = "from serving.process import memory as m; m.be_killed_first(); print(m._SCORE.read_text())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == min(1000, int(memory._SCORE.read_text()) + 500)
