"""Reads mutated inputs of one kind, and keeps those that were not answered in order."""

import contextlib
import hashlib
import random
import re
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.fuzzing.mutations import mutated
from tests.reliability.fuzzing.targets import TARGETS

MAX_CPU_SECONDS = 1.0
MAX_MORE_MEGABYTES = 400
_MAX_SEEDS = 2000
_MAX_PROBLEMS = 20
_LOOK = 200
CURRENT = "current"
"""The file with the input that is being read: what is there after the process died is what killed it."""


@dataclass
class Found:
    """What was read, and what went wrong with which input."""

    count: int = 0
    outcomes: int = 0
    problems: list[str] = field(default_factory=list)


def fuzz(kind: str, count: int, seed: int, corpus: Path, seconds: float = 1e9) -> Found:
    """Read *count* inputs of a kind, or fewer if *seconds* are over.

    What had an outcome that no other had is kept in *corpus*, and mutated further.
    """
    folder = corpus / kind
    folder.mkdir(parents=True, exist_ok=True)
    found = Found()
    with TARGETS[kind]() as target:
        seeds = [*target.seeds, *(path.read_bytes() for path in sorted(folder.glob("seed-*")))]
        outcomes: set[str] = set()
        end = time.monotonic() + seconds
        limit = 0
        for number in range(count):
            if time.monotonic() > end or len(found.problems) >= _MAX_PROBLEMS:
                break
            data = mutated(random.Random(f"{seed}-{number}"), seeds)
            (folder / CURRENT).write_bytes(data)
            outcome, problem = _read(target.read, data)
            found.count += 1
            if problem:
                found.problems.append(f"{kind}: {problem} ({_keep(folder, 'problem', data)})")
            elif outcome not in outcomes and len(seeds) < _MAX_SEEDS:
                outcomes.add(outcome)
                seeds.append(data)
                _keep(folder, "seed", data)
            if number == _LOOK:
                limit = _megabytes() + MAX_MORE_MEGABYTES
            if limit and _megabytes() > limit:
                found.problems.append(f"{kind}: more than {limit} MB after {number} inputs")
                break
    found.outcomes = len(outcomes)
    (folder / CURRENT).unlink(missing_ok=True)
    return found


def _read(read, data: bytes) -> tuple[str, str]:
    started = time.process_time()
    try:
        outcome = read(data)
    except Exception as error:
        return "", f"{type(error).__name__}: {str(error)[:300]}"
    used = time.process_time() - started
    if used > MAX_CPU_SECONDS:
        return "", f"took {used:.1f} s of a processor"
    return re.sub(r"[\d.]+|'[^']*'|\"[^\"]*\"", "#", outcome)[:120], ""


def _keep(folder: Path, kind: str, data: bytes) -> Path:
    path = folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}"
    with contextlib.suppress(OSError):
        path.write_bytes(data)
    return path


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
