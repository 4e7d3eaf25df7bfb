"""`plumbline canary`: raises a new version's share step by step, as long as it is not worse."""

import re
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from serving.canary.settings import RATIOS, SHARES, Plan, Settings
from serving.catalog.weights import Lines
from serving.commands.quantities import LongDuration
from serving.process.exit_codes import ExitCode
from serving.process.masking import has_password, masked
from serving.registry.versions import MODEL_NAME
from serving.rollout.audit import AuditLog
from serving.rollout.canary_run import CanaryRun, Pace
from serving.rollout.captured_truth import CapturedTruth
from serving.rollout.config_map import Cluster, WeightsInConfigMap
from serving.rollout.errors import NoEvidence, WeightsUnavailable
from serving.rollout.gateways import Gateways
from serving.rollout.looking import Known, Truth
from serving.rollout.prometheus import Prometheus
from serving.rollout.seen import live_versions
from serving.rollout.sources import Source
from serving.rollout.weighing import Weighing, lines_of
from serving.rollout.weights_place import WeightsInFile, WeightsPlace

_EXAMPLES = """\b
Examples:
  plumbline canary sentiment 5 --file weights --gateway http://gateway:8000
  plumbline canary sentiment 5 --file weights --prometheus http://prometheus:9090 --label namespace=plumbline
  plumbline canary sentiment 5 --file weights --gateway http://gateway:8000 --steps 5,50,100 --hold 30m
  plumbline canary sentiment newest --config-map plumbline-weights --prometheus http://prometheus:9090

\b
The file is the one that the gateways' CANARY_FILE names; it says which version is stable (sentiment=4). In a cluster
it is the entry "weights" of a ConfigMap, which is changed by the API and the token of the pod.
A command that was killed goes on if it is run again. Until then the canary's share ends after --expires.

\b
Exit codes:
  0   the canary is the stable version
  2   wrong options, or somebody else changed the weights
  3   the canary was worse: it gets nothing, and is refused from now on
  75  stopped, or given up for lack of evidence: the same command may succeed later
"""


class _Steps(click.ParamType[tuple[float, ...]]):
    name = "percents"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the percents."""
        parts = str(value).split(",")
        if not all(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", part, re.ASCII) for part in parts):
            self.fail(f"expected percents such as 1,5,25,100, got {value!r}", param, ctx)
        percents = tuple(float(part) for part in parts)
        if percents[0] == 0 or sorted({*percents}) != [*percents] or percents[-1] > 100:
            self.fail(f"expected percents that rise, above 0 and up to 100, got {value!r}", param, ctx)
        return percents


class _Version(click.ParamType[int | None]):
    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number, or None for the newest."""
        if value == "newest":
            return None
        if not re.fullmatch(r"[1-9][0-9]{0,17}", str(value), re.ASCII):
            self.fail(f"expected the number of a version, or newest, got {value!r}", param, ctx)
        return int(str(value))


class _Retry(click.ClickException):
    exit_code = ExitCode.RETRY


def _config_map(context: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value, re.ASCII):
        raise click.BadParameter(f"expected the name of a ConfigMap, got {value!r}")
    return value


def _urls(context: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    for url in values:
        if not url.startswith(("http://", "https://")) or has_password(url):
            raise click.BadParameter(f"expected a URL without user and password, got {masked(url)!r}")
    return tuple(url.rstrip("/") for url in values)


def _labels(context: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    wrong = [value for value in values if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*=.+", value, re.ASCII)]
    if wrong:
        raise click.BadParameter(f"expected NAME=VALUE, such as namespace=plumbline, got {wrong[0]!r}")
    return dict(value.split("=", 1) for value in values)


def _margins(context: click.Context, param: click.Parameter, values: Sequence[str]) -> Settings:
    names, margins = (*SHARES, *RATIOS), {}
    for value in values:
        name, _, number = value.partition("=")
        if name not in names or not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,9})?", number, re.ASCII):
            raise click.BadParameter(f"expected NAME=NUMBER with one of {', '.join(names)}, got {value!r}")
        margins[name] = float(number)
    try:
        return Settings(**margins)  # type: ignore[arg-type]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _model(context: click.Context, param: click.Parameter, value: str) -> str:
    if not MODEL_NAME.fullmatch(value):
        raise click.BadParameter(f"expected the name of a model, got {value!r}")
    return value


@click.command(epilog=_EXAMPLES)
@click.argument("model", callback=_model)
@click.argument("version", type=_Version())
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="The weights document.")
@click.option("--config-map", metavar="NAME", callback=_config_map, help="Or the ConfigMap that has it.")
@click.option("--stable", type=click.IntRange(1), help="The version to compare with, if the document does not say.")
@click.option(
    "--gateway", "gateways", multiple=True, metavar="URL", callback=_urls, help="A gateway; name each of them."
)
@click.option("--prometheus", multiple=True, metavar="URL", callback=_urls, help="A Prometheus that scrapes them.")
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=VALUE", callback=_labels, help="A label of theirs, there."
)
@click.option("--captures", metavar="PATH", help="CAPTURE of the gateways, for what turned out to be true.")
@click.option("--steps", type=_Steps(), default="1,5,25,100", show_default=True, help="Shares in percent.")
@click.option("--hold", type=LongDuration(), default="10m", show_default=True, help="The least time of a step.")
@click.option(
    "--margin",
    "settings",
    multiple=True,
    metavar="NAME=NUMBER",
    callback=_margins,
    help="What is not yet worse, such as errors=0.005 or slower=1.3.",
)
@click.option("--every", type=LongDuration(), default="10s", show_default=True, help="Time between two looks.")
@click.option(
    "--expires", type=LongDuration(), default="5m", show_default=True, help="When a share ends that nobody renews."
)
@click.option(
    "--give-up", type=LongDuration(), default="30m", show_default=True, help="The longest time without evidence."
)
@click.option(
    "--on-exit",
    type=click.Choice(["keep", "rollback"]),
    default="keep",
    show_default=True,
    help="Whether a command that is stopped leaves the canary its share until it expires, or takes it back.",
)
@click.option("--audit", type=click.Path(path_type=Path), help="File for decisions and their evidence, as JSON lines.")
def canary(
    model: str,
    version: int | None,
    path: Path | None,
    config_map: str | None,
    stable: int | None,
    gateways: tuple[str, ...],
    prometheus: tuple[str, ...],
    labels: dict[str, str],
    captures: str | None,
    steps: tuple[float, ...],
    hold: float,
    settings: Settings,
    every: float,
    expires: float,
    give_up: float,
    on_exit: str,
    audit: Path | None,
) -> None:
    """Give VERSION of MODEL a rising share of the requests, as long as it is not worse than the stable version.

    VERSION is a number, or "newest" for the one that has a share already, or else the newest that gateways have.
    At each look it is judged by errors, latencies, predictions, parity checks and, where it is known, truth.
    """
    source = _source(model, gateways, prometheus, labels)
    if expires < 3 * every:
        raise click.UsageError("--expires is too short: expected at least three times --every")
    try:
        place = _place(path, config_map)
        lines = lines_of(place.read(), model)
    except WeightsUnavailable as error:
        if config_map:
            raise _Retry(str(error)) from error
        raise click.UsageError(str(error)) from error
    version = version or _newest(model, source, lines)
    if (over := _over(model, version, lines)) is not None:
        raise SystemExit(over)
    weighing = Weighing(place, model, version, _stable(model, version, stable, lines), timedelta(seconds=expires))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log = AuditLog(audit, {"model": model, "version": version, "stable": weighing.stable})
    pace = Pace(every, give_up, on_exit == "rollback")
    run = CanaryRun(weighing, Plan(steps, hold), pace, source, _truth(captures, model), log, _say, stop, settings)
    try:
        log.check()
        raise SystemExit(run.run(lines))
    except OSError as error:
        raise click.ClickException(f"the audit log can't be written: {error}") from error


def _place(path: Path | None, config_map: str | None) -> WeightsPlace:
    if bool(path) == bool(config_map):
        raise click.UsageError("expected --file, or --config-map")
    return WeightsInFile(path) if path else WeightsInConfigMap(Cluster.around(), config_map or "")


def _newest(model: str, source: Source, lines: Lines) -> int:
    if lines.shares:
        return max(lines.shares)
    try:
        found = live_versions(source.read()) - lines.refused.keys()
    except NoEvidence as error:
        raise _Retry(str(error)) from error
    newest = max(found, default=0)
    if newest <= (lines.stable or 0):
        _say(f"no version of {model} is newer than version {lines.stable}, which is stable")
        raise SystemExit(ExitCode.DONE)
    return newest


def _source(model: str, gateways: tuple[str, ...], prometheus: tuple[str, ...], labels: dict[str, str]) -> Source:
    if len(prometheus) + bool(gateways) != 1:
        raise click.UsageError("expected --gateway, once for each gateway, or one --prometheus")
    if labels and gateways:
        raise click.UsageError("--label has no effect without --prometheus")
    return Prometheus(prometheus[0], model, labels) if prometheus else Gateways(gateways, model)


def _truth(captures: str | None, model: str) -> Truth:
    return CapturedTruth(captures, model).known if captures else lambda since: Known()


def _over(model: str, version: int, lines: Lines) -> ExitCode | None:
    """Return the exit code if there is nothing to do any more."""
    if version in lines.refused:
        _say(f"version {version} of {model} is refused: {lines.refused[version] or 'no reason is given'}")
        return ExitCode.ROLLED_BACK
    if lines.stable == version:
        _say(f"version {version} of {model} is the stable one already")
        return ExitCode.DONE
    return None


def _stable(model: str, version: int, stable: int | None, lines: Lines) -> int:
    found = lines.stable or stable
    if found is None:
        raise click.UsageError(
            f"the document does not say which version of {model} is stable: write {model}=N into it "
            f"before version {version} is published, else that answers everything at once; or --stable N"
        )
    if found == version or (stable and stable != found):
        raise click.UsageError(f"--stable {stable}: expected another version than {version}, {lines.stable or ''}")
    return found


def _say(sentence: str) -> None:
    click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {sentence}")
