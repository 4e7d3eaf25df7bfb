"""Which version of the model answers: it is looked up once, at the start of a run, and kept."""

import time

import click

from serving.batch.errors import RESUMES, BadInput, Unfinished
from serving.catalog import Catalog, LiveModel, ModelServer, ModelState
from serving.errors import ModelServerError, PredictionError, RequestError
from serving.tfserving.version_status import VersionState

_PAUSE_SECONDS = 1.0


def pin(server: ModelServer, model: str, version: int | None, label: str | None, patience_seconds: float) -> LiveModel:
    """Return the version that is named or labelled, or else the newest; wait for a server that is unavailable.

    Raises BadInput if there is no such version, or none that is admitted, or Unfinished if the server stays
    unavailable.
    """
    catalog = Catalog(server, [model])
    until = time.monotonic() + patience_seconds
    announced = False
    while True:
        try:
            return catalog.labelled(model, label) if label is not None else catalog.live(model, version)
        except RequestError as error:
            raise BadInput(f"{error}; {_there(catalog, model)}") from error
        except ModelServerError as error:
            if _has_refused_all(catalog.state(model)):
                raise BadInput(str(error)) from error
            if time.monotonic() + _PAUSE_SECONDS > until:
                raise Unfinished(f"{error}, for {patience_seconds:g} s; {RESUMES}") from error
            if not announced:
                waits = f"waiting for {patience_seconds:g} s (--in-process needs no model server)"
                click.echo(f"{error}; {waits}", err=True)
                announced = True
        except PredictionError as error:
            raise BadInput(str(error)) from error
        time.sleep(_PAUSE_SECONDS)


def _has_refused_all(state: ModelState) -> bool:
    """Return whether all versions are there, and refused for good: no wait makes a contract readable."""
    is_loading = any(status.state is VersionState.LOADING for status in state.statuses)
    return bool(state.refused) and not is_loading and not any(it.is_transient for it in state.refused.values())


def _there(catalog: Catalog, model: str) -> str:
    versions = ", ".join(map(str, sorted(catalog.state(model).live))) or "none"
    return f"there are {versions}"
