"""The summary of a run's data: distributions, differences between the parts, and what may leak the target."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.contract.heads import Head, Labels, TagSet, Values
from training.data.datasets import Part
from training.insight.distributions import Distribution, distributions
from training.insight.facets import Facet, of_targets
from training.insight.leaks import Suspect, suspects
from training.insight.rows import Looked
from training.insight.twins import Twins, twins


@dataclass(frozen=True)
class Summary:
    """What is told of the data; *looked_at* are the numbers of training and test rows that were read."""

    looked_at: tuple[int, int]
    targets: Sequence[Distribution]
    fields: Sequence[Distribution]
    suspects: Sequence[Suspect]
    twins: Twins


def summarise(train: Part, test: Part, looked: tuple[Looked, Looked], head: Head, name: str) -> Summary:
    """Summarise two parts of a data set, of which these rows were *looked* at; targets are those of *head*, *name*."""
    names = head.names if isinstance(head, Labels | TagSet | Values) else ()
    known, asked = (
        of_targets(part.targets_of(name)[of.rows], names, "target")
        for part, of in zip((train, test), looked, strict=True)
    )
    one, other = (of.facets for of in looked)
    told = distributions([*known, *one], [*asked, *other])
    return Summary(
        looked_at=(len(looked[0].rows), len(looked[1].rows)),
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
