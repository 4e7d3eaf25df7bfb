"""The weights document: which version of each model is stable, which get a share of the requests, which never answer.

    # what follows a # is a comment
    sentiment=4                                    stable: newer versions get nothing but their share
    sentiment:5=20 until=2026-11-29T12:00:00Z      percent of the requests that name no version, and until when
    sentiment:3=refused                            never answers, whoever asks for it

Gateways read it from the file CANARY_FILE while they run, and `plumbline canary` writes it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from serving.registry.versions import MODEL_NAME

MAX_BYTES = 64 * 1024
_MAX_REASON = 300

_LINE = re.compile(
    rf"(?P<model>{MODEL_NAME.pattern})(?::(?P<version>[0-9]{{1,18}}))?="
    r"(?P<value>[0-9]{1,18}(?:\.[0-9]{1,6})?%?|refused)(?P<times>(?:\s+(?:since|until)=\S{1,40})*)",
    re.ASCII,
)
_EXPECTED = "expected model=version, model:version=percent or model:version=refused, such as sentiment:5=20"


@dataclass(frozen=True)
class Share:
    """A version's share of a model's requests, in *percent*; *since* and *until* when, or None where nothing is said.

    Its time ends so that a canary that nobody watches any more gets nothing.
    """

    percent: float
    since: datetime | None = None
    until: datetime | None = None

    def at(self, now: datetime) -> float:
        """Return the share at a time, which is 0 once its own is over."""
        return 0.0 if self.until and now >= self.until else self.percent


@dataclass(frozen=True)
class ModelWeights:
    """Of one model: the *stable* version, if that is set, *shares* in percent, and reasons for the *refused* ones.

    Without a stable version the newest of the others is.
    """

    stable: int | None = None
    shares: Mapping[int, float] = field(default_factory=dict)
    refused: Mapping[int, str] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[int]:
        """The versions that are to answer."""
        return frozenset(self.shares) | ({self.stable} if self.stable else frozenset())


EVEN = ModelWeights()
"""Nothing is said of a model: the newest version answers."""

Weights = Mapping[str, ModelWeights]
"""By model."""


@dataclass(frozen=True)
class Lines:
    """What a document says of one model."""

    stable: int | None = None
    shares: Mapping[int, Share] = field(default_factory=dict)
    refused: Mapping[int, str] = field(default_factory=dict)

    def at(self, now: datetime) -> ModelWeights:
        """Return the weights at a time."""
        return ModelWeights(self.stable, {it: share.at(now) for it, share in self.shares.items()}, self.refused)


class InvalidWeights(ValueError):
    """A document can't be read; the message names the line."""


def parse(text: str) -> dict[str, Lines]:
    """Read a document, by model. Raise InvalidWeights."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidWeights(f"expected at most {MAX_BYTES:,} bytes")
    read: dict[str, Lines] = {}
    for number, line in enumerate(text.splitlines(), 1):
        said, _, comment = line.partition("#")
        if not said.strip():
            continue
        try:
            model, after = _added(read, said.strip(), comment.strip()[:_MAX_REASON])
        except ValueError as error:
            raise InvalidWeights(f"line {number}: {error}") from error
        read[model] = after
    return read


def shares_of(canary: Mapping[str, Mapping[int, float]]) -> Weights:
    """Return the weights that the setting CANARY means."""
    return {model: ModelWeights(shares=shares) for model, shares in canary.items()}


def with_shadows(weights: Weights, shadows: Mapping[str, Collection[int]]) -> Weights:
    """Return *weights* in which versions that only shadow requests have a share of 0 of them."""
    return {**weights, **{model: _with_shadows(weights.get(model, EVEN), shadows[model]) for model in shadows}}


def _with_shadows(weights: ModelWeights, shadows: Collection[int]) -> ModelWeights:
    others = [version for version in shadows if version != weights.stable and version not in weights.refused]
    return replace(weights, shares={**dict.fromkeys(others, 0.0), **weights.shares})


def written(text: str, model: str, lines: Lines) -> str:
    """Return the document *text* with other *lines* for *model*; those of other models, and comments, stay."""
    others = [line for line in text.splitlines() if re.split("[:=]", line.strip(), maxsplit=1)[0] != model]
    return "\n".join([*others, *_text_of(model, lines)]) + "\n"


def _text_of(model: str, lines: Lines) -> list[str]:
    stable = [] if lines.stable is None else [f"{model}={lines.stable}"]
    shares = [f"{model}:{version}={share.percent:g}{_times(share)}" for version, share in lines.shares.items()]
    refused = [f"{model}:{version}=refused" + _comment(reason) for version, reason in lines.refused.items()]
    return stable + shares + refused


def _times(share: Share) -> str:
    times = (("since", share.since), ("until", share.until))
    return "".join(f" {name}={time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, time in times if time)


def _comment(reason: str) -> str:
    return f"  # {' '.join(reason.split())[:_MAX_REASON]}" if reason else ""


def _added(read: Mapping[str, Lines], said: str, comment: str) -> tuple[str, Lines]:
    """Return the model of one line, and what is known of it with that line. Raise ValueError."""
    found = _LINE.fullmatch(said)
    if not found or (found["times"] and not found["version"]) or int(found["version"] or 1) < 1:
        raise ValueError(f"{_EXPECTED}, got {said[:80]!r}")
    model, value = found["model"], found["value"]
    before = read.get(model, Lines())
    if found["version"] is None:
        after = _with_stable(before, model, value)
    else:
        after = _with_version(before, model, int(found["version"]), value, found["times"], comment)
    if after.stable in after.refused:
        raise ValueError(f"version {after.stable} of {model} can't be both stable and refused")
    return model, after


def _with_stable(before: Lines, model: str, value: str) -> Lines:
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"expected the number of a version of {model}, got {value!r}")
    if before.stable is not None:
        raise ValueError(f"{model} has two stable versions, {before.stable} and {value}")
    return replace(before, stable=int(value))


def _with_version(before: Lines, model: str, version: int, value: str, times: str, comment: str) -> Lines:
    if version in before.shares or version in before.refused:
        raise ValueError(f"version {version} of {model} is listed twice")
    if value == "refused":
        if times:
            raise ValueError("what is refused has no time")
        return replace(before, refused={**before.refused, version: comment})
    share = Share(float(value.rstrip("%")), **_read_times(times))
    if sum(it.percent for it in before.shares.values()) + share.percent > 100:
        raise ValueError(f"expected shares of {model} of at most 100 percent in total")
    return replace(before, shares={**before.shares, version: share})


def _read_times(text: str) -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    for name, _, value in (part.partition("=") for part in text.split()):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = datetime.min
        if time.tzinfo is None or name in times:
            raise ValueError(
                f"expected one {name}= with a time and its zone, such as 2026-11-29T12:00:00Z, got {value!r}"
            )
        times[name] = time
    return times
