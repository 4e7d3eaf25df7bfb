"""Which version of the model answers: it is looked up once, when a run is begun, and kept."""

import time

import click

from serving.batch.errors import GOES_ON, BadInput, Unfinished
from serving.catalog import Catalog, LiveModel, ModelServer
from serving.errors import ModelServerError, PredictionError, RequestError

_PAUSE_SECONDS = 1.0


def pin(server: ModelServer, model: str, version: int | None, label: str | None, patience_seconds: float) -> LiveModel:
    """Give the version that is named or labelled, or else the newest; waits for a server that is away.

    Raises BadInput if there is no such version, or Unfinished if the server stays away.
    """
    catalog = Catalog(server, [model])
    until = time.monotonic() + patience_seconds
    told = False
    while True:
        try:
            return catalog.labelled(model, label) if label is not None else catalog.live(model, version)
        except RequestError as error:
            raise BadInput(f"{error}; {_there(catalog, model)}") from error
        except ModelServerError as error:
            if time.monotonic() + _PAUSE_SECONDS > until:
                raise Unfinished(f"{error}, for {patience_seconds:g} s; {GOES_ON}") from error
            if not told:
                waits = f"waiting for {patience_seconds:g} s (--in-process needs no model server)"
                click.echo(f"{error}; {waits}", err=True)
                told = True
        except PredictionError as error:
            raise BadInput(str(error)) from error
        time.sleep(_PAUSE_SECONDS)


def _there(catalog: Catalog, model: str) -> str:
    versions = ", ".join(map(str, sorted(catalog.state(model).live))) or "none"
    return f"there are {versions}"
