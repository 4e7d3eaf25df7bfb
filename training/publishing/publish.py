"""Publishing a version through the registry, whose errors become those of a job."""

from collections.abc import Callable
from pathlib import Path

from serving import registry
from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from training.errors import TrainingError


class CannotPublish(TrainingError):
    """The models folder can't be written to, or its record of versions is damaged. The job can be run again."""

    exit_code = ExitCode.RETRY

    def __init__(self, models_dir: Path, model: str, cause: Exception) -> None:
        super().__init__(f"{model}: can't publish to {models_dir}: {cause}")


class OlderThanLive(TrainingError):
    """A later release published the newest version, which a model of this one would roll back."""

    exit_code = ExitCode.REFUSED


def publish(
    models_dir: Path,
    name: str,
    write: Callable[[Path], None],
    admit: Callable[[registry.Version | None], None] = lambda live: None,
) -> Path:
    """Let *write* create a folder, then rename it to `<models_dir>/<name>/<next version>`. Return that path.

    *admit* is called with the live version, if there is one, and raises if the new one must not replace it. If either
    of them raises, nothing is published. Raises OlderThanLive or CannotPublish.
    """
    try:
        return registry.publish(models_dir, name, write, admit)
    except registry.MadeByLaterRelease as error:
        raise OlderThanLive(str(error)) from error
    except (OSError, registry.RegistryError) as error:
        raise CannotPublish(models_dir, name, error) from error


def versions(models_dir: Path, name: str) -> list[int]:
    """Return the numbers of a model's published versions, ascending."""
    return list(registry.scan(models_dir / name))


def live_version(models_dir: Path, name: str) -> registry.Version | None:
    """Return the version that is live, or would be if served; None if there is none.

    Raises OlderThanLive or CannotPublish.
    """
    try:
        return registry.replaced_version(models_dir, name)
    except registry.MadeByLaterRelease as error:
        raise OlderThanLive(str(error)) from error
    except OSError as error:
        raise CannotPublish(models_dir, name, error) from error


def live_contract(models_dir: Path, name: str) -> Contract | None:
    """Return the contract of the version that `live_version` returns. Raises OlderThanLive or CannotPublish."""
    live = live_version(models_dir, name)
    return live.contract if live else None


def version_of_job(models_dir: Path, name: str, identity: str) -> int | None:
    """Return the version that the job with this *identity* has published, or None. Raises CannotPublish."""
    if not versions(models_dir, name):
        return None
    try:
        found = registry.read_versions(models_dir, name)
    except OSError as error:
        raise CannotPublish(models_dir, name, error) from error
    return next((version.number for version in found if version.provenance.get("job") == identity), None)
