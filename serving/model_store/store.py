"""An object store as a place to copy from and to, through fsspec."""

import contextlib
import re
import tempfile
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from serving.errors import PlumblineError
from serving.model_store.digests import Files
from serving.model_store.errors import AnotherVersion, DamagedRecord, StoreUnavailable, UnusableAddress
from serving.model_store.place import Fetch, Pruned
from serving.model_store.record import MAX_BYTES, Record, Stored
from serving.process.masking import has_password, masked
from serving.registry.errors import DamagedVersion
from serving.registry.versions import MODEL_NAME, SERVED

_RECORDS = ".records"
_RECORD = re.compile(r"([0-9]{12})\.json")
_TRIES = 50
"""How often a change is made anew since another writer was faster."""


@dataclass(frozen=True)
class StorePlace:
    """The models below *root* in a store.

    A look at a model is one listing, in `numbers`; `files` and `highest` tell of what that found. A follower looks for
    ever, and stores want money for each request.
    """

    name: str
    root: str
    store: Any = field(repr=False)
    _records: dict[str, tuple[int, Record]] = field(default_factory=dict, repr=False)  # a record never changes

    @staticmethod
    def of(url: str) -> "StorePlace":
        """Return the store of *url*. Raises UnusableAddress, also if its package is not installed."""
        scheme = url.partition("://")[0]
        if has_password(url):
            raise UnusableAddress(masked(url), "expected an address without user and password")
        try:
            # Folders on the way to a file are made, as stores need none.
            options = {"auto_mkdir": True} if scheme in ("file", "local") else {}
            store, root = import_module("fsspec.core").url_to_fs(url, **options)
        except ImportError as error:
            raise UnusableAddress(url, f"{error}; for s3:// pip install 'plumbline[s3]'") from error
        except ValueError as error:
            raise UnusableAddress(url, f"{error} ({scheme}://)") from error
        return StorePlace(url.rstrip("/"), root.rstrip("/"), store)

    def models(self) -> Sequence[str]:
        """List the models, also those without a version."""
        return sorted(filter(MODEL_NAME.fullmatch, self._list(self.root)))

    def numbers(self, model: str) -> Sequence[int]:
        """List the versions that are there whole."""
        return sorted(number for number, stored in self._record(model).versions.items() if stored.whole)

    def set_aside(self, model: str) -> Sequence[int]:
        """Return nothing: a store has no quarantine."""
        return ()

    def files(self, model: str, number: int) -> Files:
        """Return what the record says."""
        return self._looked_at(model).versions[number].files

    def fetch(self, model: str, number: int, path: str, target: Path) -> None:
        """Download a file."""
        with self._reporting():
            try:
                self.store.get_file(f"{self.root}/{model}/{number}/{path}", str(target))
            except FileNotFoundError:
                raise DamagedVersion(path, "expected a file, got none") from None

    def add(self, model: str, number: int, files: Files, fetch: Fetch) -> None:
        """Reserve the number, upload, then have the record say that the version is whole."""

        def reserve(record: Record) -> Record:
            there = record.versions.get(number)
            if there is not None and there.files != files:
                changed = sorted(path for path in {*files, *there.files} if files.get(path) != there.files.get(path))
                raise AnotherVersion(self.name, changed[0])
            return record if there else record.with_version(number, Stored(files, whole=False))

        self._change(model, reserve)
        for path in sorted(files, key=lambda path: path == "saved_model.pb"):  # the last, for whoever lists the folder
            with tempfile.NamedTemporaryFile(prefix="plumbline-") as local:
                fetch(path, Path(local.name))
                with self._reporting():
                    self.store.put_file(local.name, f"{self.root}/{model}/{number}/{path}")
        self._change(model, lambda record: self._finished(record, model, number, files))

    def _finished(self, record: Record, model: str, number: int, files: Files) -> Record:
        if number not in record.versions:
            raise StoreUnavailable(self.name, f"version {number} of {model} was removed while it was written")
        return record.with_version(number, Stored(files, whole=True))

    def remove(self, model: str, number: int) -> None:
        """Have the record no longer name the version, then delete its files."""
        self._change(model, lambda record: record.without(number))
        with self._reporting(), contextlib.suppress(FileNotFoundError):
            self.store.rm(f"{self.root}/{model}/{number}", recursive=True)

    def prune(self, model: str, keep: int, in_use: Container[int], *, dry_run: bool) -> Pruned:
        """Remove all but the newest, at least as many as a model server keeps loaded."""
        numbers = self.numbers(self._known(model))
        removed = [number for number in numbers[: -max(keep, SERVED)] if number not in in_use]
        for number in removed if not dry_run else ():
            self.remove(model, number)
        return Pruned(removed, [number for number in numbers if number not in removed])

    def clear(self, model: str) -> Sequence[int]:
        """Remove all versions, unfinished ones too."""
        numbers = sorted(self._record(self._known(model)).versions)
        for number in numbers:
            self.remove(model, number)
        return numbers

    def _known(self, model: str) -> str:
        known = self.models()
        if model not in known:
            raise StoreUnavailable(self.name, f"there is no model '{model}'; there are {', '.join(known) or 'none'}")
        return model

    def highest(self, model: str) -> int:
        """Return what the record says."""
        return self._looked_at(model).highest

    def remember(self, model: str, highest: int) -> None:
        """Have the record say so."""
        self._change(model, lambda record: replace(record, highest=max(record.highest, highest)))

    def _change(self, model: str, change: Callable[[Record], Record]) -> None:
        """Have the newest record be what *change* makes of it; do nothing if that is no change."""
        for _ in range(_TRIES):
            newest = self._newest(model)
            record = self._read(model, newest)
            if (changed := change(record)) == record:
                return
            if self._create(self._path(model, newest + 1), changed.to_json()):
                self._records[model] = newest + 1, changed
                return
        raise StoreUnavailable(self.name, f"{model}: {_TRIES} times another writer changed the record first")

    def _create(self, path: str, document: bytes) -> bool:
        """Create an object, and return whether it was not there before."""
        with self._reporting():
            try:
                self.store.pipe_file(path, document, mode="create")
            except Exception:  # each store has an error of its own for this
                self.store.invalidate_cache()
                if self.store.exists(path):
                    return False
                raise
            return True

    def _looked_at(self, model: str) -> Record:
        return self._records[model][1] if model in self._records else self._record(model)

    def _record(self, model: str) -> Record:
        return self._read(model, self._newest(model))

    def _read(self, model: str, newest: int) -> Record:
        if not newest:
            return Record()
        if model not in self._records or self._records[model][0] != newest:
            self._records[model] = newest, self._downloaded(self._path(model, newest))
        return self._records[model][1]

    def _downloaded(self, path: str) -> Record:
        with self._reporting():
            if (size := self.store.size(path)) > MAX_BYTES:
                raise DamagedRecord(path, f"expected a record of at most {MAX_BYTES:,} bytes, got {size:,}")
            document = self.store.cat_file(path)
        try:
            return Record.from_json(document)
        except ValueError as error:
            raise DamagedRecord(path, str(error)) from error

    def _newest(self, model: str) -> int:
        """Return the number of the newest record; 0 if there is none."""
        found = map(_RECORD.fullmatch, self._list(f"{self.root}/{model}/{_RECORDS}"))
        return max((int(match[1]) for match in found if match), default=0)

    def _path(self, model: str, number: int) -> str:
        return f"{self.root}/{model}/{_RECORDS}/{number:012}.json"

    def _list(self, folder: str) -> list[str]:
        with self._reporting(), contextlib.suppress(FileNotFoundError):
            self.store.invalidate_cache()  # what was listed once is remembered until the process ends
            return [path.rstrip("/").rpartition("/")[2] for path in self.store.ls(folder, detail=False)]
        return []

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise StoreUnavailable for whatever the store's package raises: each has exceptions of its own."""
        try:
            yield
        except (PlumblineError, FileNotFoundError):
            raise
        except Exception as error:
            raise StoreUnavailable(self.name, error) from error
