"""gunicorn's configuration, for `plumbline serve`. The application is loaded in the workers, after they are forked."""

import gc
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from serving.gateway.settings import Settings

_settings = Settings.from_env()

wsgi_app = "serving.gateway.app:create_app()"
bind = f"[{_settings.bind}]:{_settings.port}" if ":" in _settings.bind else f"{_settings.bind}:{_settings.port}"
workers = _settings.workers
worker_class = "serving.gateway.worker.LingeringWorker"
threads = _settings.threads
preload_app = False  # gRPC's threads don't survive a fork; see on_starting
keepalive = 75  # longer than load balancers keep an idle connection, so that it is they who close it
graceful_timeout = 20  # within the 30 s that Kubernetes gives
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk
# No max_requests: metrics of workers that ended are kept in files, which would grow in number with each one.


def on_starting(server: Any) -> None:
    """Begin with no metrics of a former run, and import here what all workers need: they share its memory."""
    _wipe(_settings.metrics_dir)
    import serving.gateway.app  # noqa: F401 - only imported: it is the workers that create the application

    gc.freeze()  # or each worker's first collection would write to what it shares


def post_fork(server: Any, worker: Any) -> None:
    """Write our own log as gunicorn writes its."""
    logging.basicConfig(
        level=logging.INFO,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S %z",
    )


def child_exit(server: Any, worker: Any) -> None:
    """Take a worker that ended out of the gauges."""
    if _settings.metrics_dir:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def worker_exit(server: Any, worker: Any) -> None:
    """End a worker's thread and connection in order."""
    if worker.wsgi is not None:  # it may have failed to start
        from serving.gateway.app import close_app

        close_app(worker.wsgi)


def on_exit(server: Any) -> None:
    """Leave no metrics behind."""
    _wipe(_settings.metrics_dir)
    if _settings.metrics_dir:
        with suppress(OSError):
            _settings.metrics_dir.rmdir()


def _wipe(folder: Path | None) -> None:
    for file in folder.glob("*.db") if folder else ():
        file.unlink(missing_ok=True)
