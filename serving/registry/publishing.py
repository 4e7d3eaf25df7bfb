"""Writing: publishes a version, whole or not at all, under a number that was never used before."""

from collections.abc import Callable
from pathlib import Path

from serving.process.durable_files import replace_by, sync, sync_entry
from serving.registry.errors import NoNextNumber
from serving.registry.integrity import write_manifest
from serving.registry.staging import exclusive, staging
from serving.registry.versions import Version, replaced_version, scan

HIGHEST = ".highest_version"
"""The file in a model's folder with the highest number ever used there. TensorFlow Serving ignores such names."""

Admit = Callable[[Version | None], None]


def publish(models_dir: Path, model: str, write: Callable[[Path], None], admit: Admit = lambda live: None) -> Path:
    """Have *write* make a folder in staging, rename it to `<models_dir>/<model>/<next number>`, and return that path.

    *admit* gets the live version, if there is one, and raises if the new one must not replace it. It is called before
    *write*, and again at the end if another writer has changed the live version meanwhile. The version gets a manifest.
    """
    with staging(models_dir) as aside:
        live = replaced_version(models_dir, model)
        admit(live)
        write(aside / "version")
        write_manifest(aside / "version")
        sync(aside / "version")
        with exclusive(models_dir):
            now = replaced_version(models_dir, model)
            if now and (live is None or now.number != live.number):
                admit(now)
            return release(aside / "version", models_dir / model)


def release(staged: Path, folder: Path) -> Path:
    """Rename *staged* to the next number in *folder*, durably; the caller holds the lock. Raises NoNextNumber."""
    folder.mkdir(parents=True, exist_ok=True)
    sync_entry(folder.parent)
    number = next_number(folder)
    remember(folder, number)  # first: a skipped number is better than one used twice
    target = folder / str(number)
    staged.rename(target)
    sync_entry(folder)
    return target


def release_as(staged: Path, folder: Path, number: int) -> None:
    """Rename *staged* to *number* in *folder*, as which it was published elsewhere; the caller holds the lock.

    Raises NoNextNumber, and OSError if the number is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sync_entry(folder.parent)
    remember(folder, max(number, next_number(folder) - 1))
    staged.rename(folder / str(number))
    sync_entry(folder)


def next_number(folder: Path) -> int:
    """Return a number that no version in *folder* has or had; the caller holds the lock. Raises NoNextNumber."""
    record = folder / HIGHEST
    text = record.read_text("utf-8", "replace") if record.exists() else "0"
    try:
        number = max(0, int(text), *scan(folder)) + 1
    except ValueError as error:
        raise NoNextNumber(record, text) from error
    if number >= 2**63:
        raise NoNextNumber(record, str(number - 1))
    return number


def remember(folder: Path, number: int) -> None:
    """Record the highest number that was ever used in *folder*, durably; the caller holds the lock."""
    replace_by(folder / f"{HIGHEST}.new", folder / HIGHEST, lambda file: file.write(f"{number}\n".encode()))
