"""`python -m tests.reliability.fuzzing --count 100000 --seed 1`: each kind in a process of its own."""

import sys
import time
from pathlib import Path

import click

from tests.reliability.fuzzing.processes import in_a_process
from tests.reliability.fuzzing.targets import TARGETS


@click.command()
@click.option("--count", default=2000, help="Inputs of each kind.  [default: 2000]")
@click.option("--seconds", default=1e9, help="Most seconds for each kind.")
@click.option("--seed", default=1, help="By which they are drawn.  [default: 1]")
@click.option("--only", type=click.Choice([*TARGETS]), multiple=True, help="Kinds of input.  [default: all]")
@click.option("--corpus", type=Path, default=Path(".benchmarks/corpus"), help="Folder in which inputs are kept.")
def main(count: int, seconds: float, seed: int, only: tuple[str, ...], corpus: Path) -> None:
    """Read mutated inputs; exit with 1 if any was not answered in order."""
    problems = []
    for kind in only or TARGETS:
        started = time.monotonic()
        found = in_a_process(kind, count, seed, corpus, seconds)
        took = time.monotonic() - started
        click.echo(f"{kind}: {found.count:,} inputs, {found.outcomes} outcomes, {took:.0f} s")
        problems += found.problems
    for problem in sorted(set(problems)):
        click.echo(problem, err=True)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
