"""The log: Plumbline's and gunicorn's lines in one form, text or JSON, and a line for each answered request."""

import datetime
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import orjson
from flask import has_request_context
from gunicorn.glogging import Logger

from serving.gateway.middleware.request_ids import request_id
from serving.gateway.open_routes import PROBE_PATHS
from serving.gateway.request_facts import facts_of, request_facts

_MAX_PATH_LENGTH = 200
_LOGGED = ("request_id", "trace_id", "model", "version", "owner")


def gunicorn_logger(log_format: str, access_log: bool) -> type[Logger]:
    """Make gunicorn's logger class. *log_format* is text or json; with *access_log* each request gets a line."""

    class GatewayLogger(Logger):  # type: ignore[misc]
        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            self.error_log.handlers.clear()
            self.error_log.propagate = True
            write_logs(log_format)

        def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: datetime.timedelta) -> None:
            if access_log:
                # In what gunicorn answers itself, resp has no status_code.
                log_access(int(resp.status.split()[0]), environ, request_time)

    return GatewayLogger


def write_logs(log_format: str) -> None:
    """Write this process's log to standard error, without what Pillow warns of: callers could fill the log with it.

    A picture that is too large is refused by our own limit; one with broken EXIF data is answered.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")  # for all threads: `catch_warnings` is not for one of them
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class TextFormatter(logging.Formatter):
    """Lines in gunicorn's form, with the id of the request that a line is about."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S %z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        """Add the facts of the request."""
        line = super().formatMessage(record)
        return line + "".join(f" {name}={value}" for name, value in _facts(record).items() if value is not None)


class JsonFormatter(logging.Formatter):
    """One JSON object for each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a line, with the facts of the request."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in _facts(record).items() if value is not None)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


_access = logging.getLogger("plumbline.access")


def log_access(status: int, environ: Mapping[str, Any], request_time: datetime.timedelta) -> None:
    """Write a request's line. Probes get one only if they fail."""
    path = environ["RAW_URI"].partition("?")[0]  # still percent-encoded, so nothing in it can start a line
    if status < 400 and path in PROBE_PATHS:
        return
    facts = {"status": status, "ms": round(request_time.total_seconds() * 1000, 2)}
    if known := facts_of(environ):
        facts |= {name: getattr(known, name) for name in _LOGGED}
    _access.info("%s %s", environ["REQUEST_METHOD"], path[:_MAX_PATH_LENGTH], extra={"facts": facts})


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] | None = getattr(record, "facts", None)
    if facts is not None:
        return facts
    return {"request_id": request_id(), "trace_id": request_facts().trace_id} if has_request_context() else {}
