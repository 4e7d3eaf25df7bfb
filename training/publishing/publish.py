"""Putting a version where TensorFlow Serving looks, by way of the registry; its errors as those of a job."""

from collections.abc import Callable
from pathlib import Path

from serving import registry
from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from training.errors import TrainingError


class CannotPublish(TrainingError):
    """The models folder can't be written to, or its record of versions is spoilt. The job can be tried again."""

    exit_code = ExitCode.RETRY

    def __init__(self, models_dir: Path, model: str, cause: Exception) -> None:
        super().__init__(f"{model}: can't publish to {models_dir}: {cause}")


def publish(
    models_dir: Path,
    name: str,
    write: Callable[[Path], None],
    admit: Callable[[registry.Version | None], None] = lambda live: None,
) -> Path:
    """Have *write* make a folder aside, then rename it to `<models_dir>/<name>/<next version>`; give that path.

    *admit* gets the live version, if there is one, and raises if the new one must not replace it. If
    either raises, nothing is published. Raises CannotPublish.
    """
    try:
        return registry.publish(models_dir, name, write, admit)
    except (OSError, registry.RegistryError) as error:
        raise CannotPublish(models_dir, name, error) from error


def versions(models_dir: Path, name: str) -> list[int]:
    """List the published versions of a model, ascending."""
    return list(registry.scan(models_dir / name))


def live_version(models_dir: Path, name: str) -> registry.Version | None:
    """Read the version that is live, or would be; None if there is none. Raises CannotPublish."""
    try:
        return registry.live_version(models_dir, name)
    except OSError as error:
        raise CannotPublish(models_dir, name, error) from error


def live_contract(models_dir: Path, name: str) -> Contract | None:
    """Read the contract of the version that is live, or would be; None if there is none. Raises CannotPublish."""
    live = live_version(models_dir, name)
    return live.contract if live else None


def version_of_job(models_dir: Path, name: str, identity: str) -> int | None:
    """Find the version that the job of this *identity* has published. Raises CannotPublish."""
    if not versions(models_dir, name):
        return None
    try:
        found = registry.read_versions(models_dir, name)
    except OSError as error:
        raise CannotPublish(models_dir, name, error) from error
    return next((version.number for version in found if version.provenance.get("job") == identity), None)
