"""The summary of a run's data: distributions, differences between the parts, and what may leak the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.contract.heads import Head, Labels, TagSet, Values
from training.data.datasets import Part
from training.insight.distributions import Distribution, distributions
from training.insight.facets import Facet, facets, of_targets
from training.insight.leaks import Suspect, suspects
from training.insight.rows import some
from training.insight.twins import Twins, twins


@dataclass(frozen=True)
class Summary:
    """What is told of the data; *looked_at* are the numbers of training and test rows that were read."""

    looked_at: tuple[int, int]
    targets: Sequence[Distribution]
    fields: Sequence[Distribution]
    suspects: Sequence[Suspect]
    twins: Twins


def summarise(train: Part, test: Part, kinds: Mapping[str, str], head: Head, name: str) -> Summary:
    """Summarise two parts of a data set, with fields of these *kinds*; targets are those of *head*, called *name*."""
    names = head.names if isinstance(head, Labels | TagSet | Values) else ()
    rows = [some(part) for part in (train, test)]
    parts = [part.rows(chosen) for part, chosen in zip((train, test), rows, strict=True)]
    one, other = (facets(part.instances, kinds) for part in parts)
    known, asked = (of_targets(part.targets_of(name), names, "target") for part in parts)
    told = distributions([*known, *one], [*asked, *other])
    return Summary(
        looked_at=(len(rows[0]), len(rows[1])),
        targets=told[: len(known)],
        fields=[each for each in told[len(known) :] if not each.is_constant],
        suspects=_suspects(one, other, known, asked),
        twins=twins(train, test, name),
    )


def _suspects(
    train: Sequence[Facet], test: Sequence[Facet], known: Sequence[Facet], asked: Sequence[Facet]
) -> list[Suspect]:
    """Return those of the only target; of several numbers, none alone is the answer."""
    return suspects(train, test, (known[0], asked[0])) if len(known) == 1 else []
