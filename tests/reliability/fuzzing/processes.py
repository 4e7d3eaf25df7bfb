"""Runs a fuzzer in a process of its own, since an input may end it."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

from tests.reliability.fuzzing.run import CURRENT, Found, fuzz


def in_a_process(kind: str, count: int, seed: int, corpus: Path, seconds: float = 1e9) -> Found:
    """Return what was found; that the process ended is a problem, too."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_fuzz, args=(sender, kind, count, seed, corpus, seconds))
    process.start()
    sender.close()
    try:
        found: Found = receiver.recv()
    except EOFError:
        found = Found()
    process.join()
    current = corpus / kind / CURRENT
    if process.exitcode:
        kept = current.rename(current.with_name(f"killer-{seed}")) if current.exists() else "before any input"
        found.problems.append(f"{kind}: the process ended with {process.exitcode} ({kept})")
    return found


def _fuzz(sender: Connection, kind: str, count: int, seed: int, corpus: Path, seconds: float) -> None:
    sender.send(fuzz(kind, count, seed, corpus, seconds))
