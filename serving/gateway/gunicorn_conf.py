"""gunicorn's configuration for `plumbline serve`. Each worker makes the application, after it was forked."""

import gc
import os
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

from flask import Flask

from serving.catalog import Contracts
from serving.errors import PredictionError
from serving.gateway.middleware.logs import gunicorn_logger
from serving.gateway.middleware.shared_times import SharedTimes
from serving.gateway.settings import Settings
from serving.model_servers import connect
from serving.process import descriptors, memory
from serving.registry.finding import MAX_MODELS
from serving.registry.versions import model_names, read_contract, scan

_OTHER_DESCRIPTORS = 1024
"""Files, and connections to model servers."""

_settings = Settings.from_env()
_contracts = Contracts(_settings.instance_limits)
_full_at = SharedTimes() if _settings.api_keys_file else None

wsgi_app = "serving.gateway.gunicorn_conf:application()"
bind = f"[{_settings.bind}]:{_settings.port}" if ":" in _settings.bind else f"{_settings.bind}:{_settings.port}"
workers = _settings.workers
worker_class = "serving.gateway.worker.Worker"
logger_class = gunicorn_logger(_settings.log_format, _settings.access_log)
threads = _settings.threads
preload_app = False  # gRPC's threads don't survive a fork; see on_starting
worker_connections = _settings.max_connections
keepalive = 75  # longer than load balancers keep idle connections, so that they close them first
# With the default of 5 s to drain, it stays within Kubernetes' default of 30 s.
graceful_timeout = ceil(_settings.drain_seconds) + 20
control_socket_disable = True
forwarder_headers = ""  # no header sets a path other than that of the request line, which proxies decide and log by
secure_scheme_headers: dict[str, str] = {}  # nor a scheme, which no answer depends on
forwarded_allow_ips = "*"  # since no such header counts, whose it is need not be found out for each request
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk


def application() -> Flask:
    """Make a worker's application."""
    from serving.gateway.app import create_app

    return create_app(_settings, contracts=_contracts, full_at=_full_at)


def on_starting(server: Any) -> None:
    """Remove the metrics of an earlier run, and load what all workers need: they share its memory."""
    _wipe_metrics()
    descriptors.raise_limit(_settings.max_connections + _OTHER_DESCRIPTORS)
    from serving.gateway import app  # noqa: F401 - imported only: the workers make the application

    if _settings.models_dir and _settings.runs_models:
        connect.load_embedded(_kept_contracts(_settings.models_dir))
    else:
        connect.load_remote()
    memory.trim()  # else each worker would get its own copy of free memory once it uses it
    gc.freeze()  # else each worker's first collection would write to shared memory


def _kept_contracts(models_dir: Path) -> list[Path]:
    """Read the contracts of the newest versions, and return the folders of those that could be read."""
    kept = []
    models = model_names(models_dir)[:MAX_MODELS] if _settings.follows_folder else _settings.models
    for model in models:
        with suppress(OSError, PredictionError):  # the workers report what is wrong with it
            for path in [*scan(models_dir / model).values()][-1:]:  # the newest, if any
                _contracts.keep(read_contract(path))
                kept.append(path)
    return kept


def pre_fork(server: Any, worker: Any) -> None:
    """Choose a worker's processor: the one to which the fewest others are pinned."""
    if _settings.pin_workers:
        taken = [other.processor for other in server.WORKERS.values()]
        worker.processor = min(sorted(os.sched_getaffinity(0)), key=taken.count)


def post_fork(server: Any, worker: Any) -> None:
    """Pin a worker and its threads to its processor, and let it be killed before gunicorn's first process is."""
    memory.be_killed_first()
    if worker.processor is not None:
        os.sched_setaffinity(0, {worker.processor})


def child_exit(server: Any, worker: Any) -> None:
    """Move the counts of a worker that ended into the archive."""
    worker.ended()
    if _settings.metrics_dir:
        from serving.monitoring.worker_files import worker_ended

        try:
            worker_ended(_settings.metrics_dir, worker.pid)
        except OSError as error:  # a full disk: its files stay
            server.log.warning("the metrics of worker %d stay in files of their own: %s", worker.pid, error)
        except Exception:  # a fault in metrics must not keep the worker from being replaced
            server.log.exception("can't keep the metrics of worker %d", worker.pid)


def worker_exit(server: Any, worker: Any) -> None:
    """Stop a worker's thread and close its connection."""
    if worker.wsgi is not None:  # it may have failed to start
        from serving.gateway.app import close_app

        close_app(worker.wsgi)


def on_exit(server: Any) -> None:
    """Remove the metrics."""
    _wipe_metrics()
    if _settings.metrics_dir:
        with suppress(OSError):
            _settings.metrics_dir.rmdir()


def _wipe_metrics() -> None:
    if _settings.metrics_dir:
        from serving.monitoring.worker_files import wipe

        wipe(_settings.metrics_dir)
