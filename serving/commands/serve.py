"""`plumbline serve`: the gateway under gunicorn."""

import errno
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import click

import plumbline
from serving.gateway.settings import InvalidSettings, Settings
from serving.registry.finding import WHAT_TO_DO, ModelFinder

_EXAMPLES = """\b
Examples:
  plumbline serve
  plumbline serve --model-server tf-serving:8500 --models sentiment,digits
  plumbline serve --models-dir models
  plumbline serve --models-dir models --models sentiment,digits
  plumbline serve --models-dir models --models '*' --model-server tf-serving:8500
  MODEL_SERVER=tf-serving:8500 plumbline serve --bind 0.0.0.0 --workers 4

Each option overrides the environment variable of its name in capitals (MODEL_SERVER, ...). More variables:
MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, HEADER_SECONDS, BODY_SECONDS, REFRESH_SECONDS, MAX_BODY_BYTES,
MAX_INSTANCES, MAX_TEXT_CHARACTERS, MAX_IMAGE_PIXELS, MAX_IMAGE_BYTES, MAX_DECODED_BYTES,
MAX_JSON_DEPTH, MAX_CONCURRENCY, MAX_QUEUE, MAX_BATCH_ROWS, MAX_BATCH_BYTES, MAX_BATCH_CALLS, MAX_LARGE_CALLS,
EXPLAIN_BUDGET (most predictions of an explanation, 0 for none) and
CANARY and SHADOW, such as sentiment:4=5,topic:7=10 (percent of the requests that name no version, and of those that the
version answers a second time, to be compared), or CANARY_FILE, which may change meanwhile; API_KEYS_FILE, RATE_LIMIT
and REQUIRE_SIGNATURE;
CAPTURE (a folder or URL for what is asked and answered), CAPTURE_SHARE, CAPTURE_ERRORS_SHARE, CAPTURE_LOW_SCORE,
CAPTURE_PART_SECONDS, CAPTURE_MAX_AGE, CAPTURE_MAX_BYTES and CAPTURE_HASH_KEY_FILE;
MODEL_SERVER_CA, MODEL_SERVER_CERT, MODEL_SERVER_KEY and MODEL_SERVER_NAME (TLS); DRAIN_SECONDS, LOG_FORMAT,
ACCESS_LOG, TRACING and PIN_WORKERS. docs/operations.md explains each.
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--model-server", metavar="HOST:PORT", help="gRPC address of the model server.  [default: localhost:8500]"
)
@click.option(
    "--models-dir",
    metavar="DIR",
    help="Folder of models to run in-process instead; needs LiteRT or TensorFlow. ($PLUMBLINE_MODELS does not set it.)",
)
@click.option(
    "--models",
    metavar="NAME,...",
    help="Models to serve.  [default: sentiment,topic,house_price,image,digits; with --models-dir '*': all that come]",
)
@click.option("--bind", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on.  [default: 8000]")
@click.option("--workers", metavar="N", help="Number of processes.  [default: 2]")
@click.option("--threads", metavar="N", help="Threads per process.  [default: 64]")
@click.option("--deadline-seconds", metavar="S", help="Maximum duration of a prediction.  [default: 5]")
def serve(**options: str | None) -> None:
    """Serve raw input over HTTP, with the models of a TensorFlow Serving model server, or those of a folder."""
    environment = {**os.environ, **{name.upper(): value for name, value in options.items() if value is not None}}
    try:
        plumbline.check_own("serving", [os.getcwd()])  # where gunicorn looks first
        settings = Settings.from_env(environment)
        _say_what_is_found(settings)
    except (OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    except InvalidSettings as error:
        raise click.ClickException(f"these settings can't be used:\n{error}") from error
    environment["PROMETHEUS_MULTIPROC_DIR"] = _fresh_folder(settings)
    environment.setdefault("GRPC_VERBOSITY", "ERROR")  # its lines about closed connections are not in the log's form
    os.execve(sys.executable, _gunicorn(), environment)  # noqa: S606 - so that signals reach gunicorn itself


def _say_what_is_found(settings: Settings) -> None:
    """Print which models of a folder are left out, or that there is none yet.

    Raise OSError, or ClickException if there are models, and none can be served.
    """
    if not (settings.models_dir and settings.follows_folder):
        return
    finder = ModelFinder(settings.models_dir)
    found = finder.find()
    left_out = [f"not served: {model}: {reason}" for model, reason in found.left_out.items()]
    if finder.has_only_unfit:
        raise click.ClickException("\n".join([f"no model in {settings.models_dir} can be served", *left_out]))
    for line in left_out:
        click.echo(line, err=True)
    if not found.models:
        click.echo(f"there is no model yet in {settings.models_dir}; {WHAT_TO_DO}", err=True)


def _fresh_folder(settings: Settings) -> str:
    """Make a private folder for the workers' metrics; prometheus_client reads its path on import.

    On a full disk, return the path of one that the workers make once there is room.
    """
    try:
        return tempfile.mkdtemp(prefix="plumbline-metrics-", dir=settings.metrics_dir)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return str(Path(settings.metrics_dir or tempfile.gettempdir()) / f"plumbline-metrics-{uuid.uuid4().hex}")


def _gunicorn() -> list[Any]:
    return [sys.executable, "-m", "gunicorn", "--config", "python:serving.gateway.gunicorn_conf"]
