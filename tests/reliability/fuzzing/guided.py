"""`python -m tests.reliability.fuzzing.guided contract --seconds 600`: inputs guided by coverage, with atheris.

What reached lines that no input had reached is kept in the corpus, for the other fuzzer too. An input that was not
answered in order ends the run, and is kept as `problem-…`. It finds more in what is written in Python (contracts, JSON,
forms, declarations) than in pictures or Parquet, whose libraries it can't look into.
"""

import os
import random
import sys
from pathlib import Path

import atheris
import click

from tests.reliability.fuzzing.mutations import mutated

_OURS = ["serving", "training"]
_MAX_INPUT_SECONDS = 10
_MAX_MEGABYTES = 2048


@click.command()
@click.argument("kind")
@click.option("--seconds", default=60, help="For how long.  [default: 60]")
@click.option("--seed", default=1, help="By which inputs are drawn.  [default: 1]")
@click.option("--corpus", type=Path, default=Path(".benchmarks/corpus"), help="Folder in which inputs are kept.")
def main(kind: str, seconds: int, seed: int, corpus: Path) -> None:
    """Read inputs of a kind; exit with another code than 0 if one was not answered in order."""
    with atheris.instrument_imports(include=_OURS):
        from tests.reliability.fuzzing.targets import TARGETS
    if kind not in TARGETS:
        raise click.BadParameter(f"expected one of {', '.join(TARGETS)}, got {kind!r}")
    folder = corpus / kind
    folder.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=_OURS), TARGETS[kind]() as target:
        for number, data in enumerate(target.seeds):
            (folder / f"seed-of-target-{number}").write_bytes(data)
        limits = [f"-timeout={_MAX_INPUT_SECONDS}", f"-rss_limit_mb={_MAX_MEGABYTES}", f"-max_total_time={seconds}"]
        kept = [f"-artifact_prefix={folder}{os.sep}problem-", f"-seed={seed}", "-print_final_stats=1", str(folder)]
        atheris.Setup([sys.argv[0], *limits, *kept], lambda data: target.read(data) and None, custom_mutator=_mutate)
        atheris.Fuzz()


def _mutate(data: bytes, max_bytes: int, seed: int) -> bytes:
    """Mutate by our own mutations, which know JSON, and by atheris's, which know what was compared with what."""
    chance = random.Random(seed)
    if chance.random() < 0.7:
        data = mutated(chance, [data])
    return bytes(atheris.Mutate(data, max_bytes)) if chance.random() < 0.5 else data[:max_bytes]


if __name__ == "__main__":
    main()
