"""Moments that processes share. They are forked in a program of its own, since pytest's has threads."""

import subprocess
import sys

from serving.gateway.middleware.shared_times import SharedTimes

BEGINNING = """
import os, signal, sys, time
from serving.gateway.middleware import shared_times

times = shared_times.SharedTimes()

def forked(work):
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return child
"""
ADDING = """
shared_times._PATIENCE_SECONDS = 60  # however busy this machine is

def add():
    for _ in range(2000):
        with times.locked():
            times.set("a", times.get("a", 0.0) + 1, 0.0)

for child in [forked(add) for _ in range(3)]:
    os.waitpid(child, 0)
print(times.get("a", 0.0))
"""
HOLDING = """
told, tell = os.pipe()

def hold():
    with times.locked():
        os.write(tell, b"held")
        signal.pause()

child = forked(hold)
os.read(told, 4)
if sys.argv[1] == "killed":
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
with times.locked():
    print(times._try_lock())
if sys.argv[1] == "hanging":
    os.kill(child, signal.SIGKILL)
"""


def run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", BEGINNING + program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_no_update_of_several_processes_is_lost() -> None:
    assert run(ADDING) == "6000.0"


def test_a_process_that_is_killed_frees_the_lock() -> None:
    assert run(HOLDING, "killed") == "True"


def test_a_process_that_hangs_with_the_lock_does_not_hold_the_others() -> None:
    assert run(HOLDING, "hanging") == "False"


def test_a_moment_that_has_passed_is_forgotten_and_no_other() -> None:
    times = SharedTimes()
    for number in range(10_000):  # more than there are slots
        times.set(f"old {number}", moment=float(number), now=float(number))
    times.set("new", moment=20_000.0, now=10_000.0)
    for number in range(10_000):
        times.set(f"later {number}", moment=10_000.5, now=10_001.0)
    assert times.get("new", 10_002.0) == 20_000.0
    assert times.get("old 1", 10_002.0) == 10_002.0
