"""The model server of `--in-process`: a version of the model in each process that scores."""

from pathlib import Path

from serving.batch.errors import BadInput
from serving.catalog import ModelServer
from serving.model_servers import connect
from serving.model_servers.errors import CannotServe


def connect_in_process(models_dir: Path, model: str, version: int | None) -> ModelServer:
    """Load a version, by default the newest; raises BadInput."""
    try:
        return connect.one_version(models_dir, model, version)
    except CannotServe as error:
        raise BadInput(str(error)) from error
