"""`plumbline weights`: keeps a copy of a ConfigMap's weights document in a file, for gateways beside it."""

import signal
import threading
from pathlib import Path

import click

from serving.rollout.config_map import Cluster, WeightsInConfigMap
from serving.rollout.copying import keep_copy
from serving.rollout.errors import WeightsUnavailable

_EVERY_SECONDS = 1.0
_EXAMPLES = """\b
Examples:
  plumbline weights --config-map plumbline-weights --file /weights/weights
"""


@click.command(epilog=_EXAMPLES)
@click.option("--config-map", metavar="NAME", required=True, help="The ConfigMap that has the document.")
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Its copy.")
def weights(config_map: str, path: Path) -> None:
    """Copy the weights document of a ConfigMap into a file, and follow it each second until SIGTERM.

    It is for gateways in the same pod: the kubelet takes a minute and more to bring a ConfigMap that it mounts.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        place = WeightsInConfigMap(Cluster.around(), config_map)
    except WeightsUnavailable as error:
        raise click.UsageError(str(error)) from error
    keep_copy(place, path, _EVERY_SECONDS, stop, lambda problem: click.echo(problem, err=True))
