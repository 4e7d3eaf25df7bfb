import os
import subprocess
import sys
import tempfile
from pathlib import Path

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


PAGED_OUT_MB = """
import mmap, re, sys
from serving.process import memory

def rss_mb():
    return int(re.search(r"Rss: *([0-9]+) kB", open("/proc/self/smaps_rollup").read()).group(1)) / 1000

with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
read = sum(mapped[::4096])
before = rss_mb()
memory.page_out()
print(before - rss_mb())
assert sum(mapped[::4096]) == read
"""


def test_pages_of_files_go_back_to_the_system_and_are_read_again() -> None:
    # Only what is on disk can go, where pytest's own folder isn't everywhere.
    with tempfile.NamedTemporaryFile(dir=Path(__file__).parent) as file:
        file.write(os.urandom(64_000_000))
        os.fsync(file.fileno())
        command = [sys.executable, "-c", PAGED_OUT_MB, file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) > 40  # of 64
