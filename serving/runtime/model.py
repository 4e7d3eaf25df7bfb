"""One model's life cycle: its own thread scans its folder, loads new versions and unloads unwanted ones."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from serving.runtime.errors import ServingError
from serving.runtime.model_config import ModelConfig
from serving.runtime.storage import scan, stamp
from serving.runtime.version import State, Version
from serving.tfserving.codes import Code

logger = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")
"""What a version's folder is loaded as."""


@dataclass(frozen=True)
class Pace:
    """How often to look for versions (0 or less: once per configuration), and to retry a load.

    With *retries_changed* a load that failed is also retried as soon as files of its version change: TensorFlow Serving
    would not, but whoever copies a version into the folder file by file finds it served when the last is there.
    """

    poll_seconds: float = 1.0
    max_retries: int = 5
    retry_seconds: float = 60.0
    retries_changed: bool = False


class Model(Generic[Loaded]):
    """A model by name. With its own thread, a slow load or a missing folder does not delay other models."""

    def __init__(
        self, config: ModelConfig, load: Callable[[Path], Loaded], pace: Pace, changed: threading.Condition
    ) -> None:
        self.name = config.name
        self.available: dict[int, Loaded] = {}  # replaced, never changed: requests read it without a lock
        self._config: ModelConfig | None = config
        self._load_folder = load
        self._pace = pace
        self._changed = changed  # held to change versions or wanted, notified after
        self._versions: dict[int, Version] = {}
        self._wanted: frozenset[int] = frozenset()
        self._wake = threading.Event()
        self._stopped = False
        self._looked = False
        self._logged: dict[int, str] = {}
        self._problem = ""
        threading.Thread(target=self._live, name=f"model-{self.name}", daemon=True).start()

    def configure(self, config: ModelConfig | None) -> None:
        """Follow another configuration; None unloads everything."""
        self._config = config
        self._wake.set()

    def look(self) -> None:
        """Look at the folder at once: its policy may choose others."""
        self._wake.set()

    @property
    def is_listed(self) -> bool:
        """Whether the model is in the current configuration."""
        return self._config is not None

    def stop(self) -> None:
        """Let the thread end. Versions stay loaded for requests that still run."""
        self._stopped = True
        self._wake.set()

    def versions(self) -> list[Version]:
        """List every version ever tracked, the highest number first."""
        with self._changed:
            return sorted(self._versions.values(), key=lambda version: -version.number)

    def wait_for_first(self, seconds: float) -> None:
        """Wait until a version is available, or each was tried once; for at most *seconds*."""
        with self._changed:
            self._changed.wait_for(lambda: self.available or not self.is_busy, seconds)

    @property
    def is_settled(self) -> bool:
        """Whether a version is available, or none ever will be; hold the lock."""
        return bool(self.available or self.failures())

    @property
    def is_busy(self) -> bool:
        """Whether it has yet to scan its folder, or to try a version for the first time; hold the lock."""
        return not self._looked or any(each.is_loading and not each.failures for each in self._versions.values())

    def failures(self) -> list[Version]:
        """List the wanted versions if all of them failed and none is available; hold the lock."""
        wanted = [self._versions[number] for number in sorted(self._wanted)]
        hopeless = bool(wanted) and not self.available and all(version.failed for version in wanted)
        return wanted if hopeless else []

    def _live(self) -> None:
        while not self._stopped:
            self._wake.clear()
            config = self._config
            try:
                self._follow(config)
                self._note_look()
                self._retry_changed()
                self._load_due(config)
                self._unload_unwanted()
            except Exception:
                logger.exception("%s: error in the life cycle, will retry", self.name)
            self._wake.wait(self._seconds_to_next(config))

    def _follow(self, config: ModelConfig | None) -> None:
        """Determine the wanted versions, and start tracking new ones."""
        found: dict[int, Path] = {}
        wanted: frozenset[int] | None = frozenset()
        if config is not None:
            try:
                found = scan(config.base_path)
            except OSError as error:
                self._complain(f"can't list its folder, nothing changes: {error}")
                return
            wanted = config.policy.choose(found)
        if wanted is None:
            self._complain("the policy names no version, nothing changes")
            return
        self._problem = ""
        with self._changed:
            for number in wanted - self._wanted:
                self._track(number, found[number])
            for number in self._wanted - wanted:
                if self._versions[number].is_loading:
                    self._versions[number].state = State.END  # no further retries
            self._wanted = wanted
            self._changed.notify_all()

    def _complain(self, problem: str) -> None:
        if problem != self._problem:  # not at each look
            logger.error("%s: %s", self.name, problem)
        self._problem = problem

    def _note_look(self) -> None:
        with self._changed:
            self._looked = True
            self._changed.notify_all()

    def _track(self, number: int, path: Path) -> None:
        version = self._versions.setdefault(number, Version(number, path))
        if version.state is State.END:
            version.restart(path)

    def _retry_changed(self) -> None:
        for number in self._wanted if self._pace.retries_changed else ():
            version = self._versions[number]
            if version.failures and version.state is not State.AVAILABLE and stamp(version.path) != version.stamp:
                with self._changed:
                    version.retry()

    def _load_due(self, config: ModelConfig | None) -> None:
        for number in sorted(self._wanted, reverse=True):
            version = self._versions[number]
            if version.is_loading and version.retry_at <= monotonic():
                self._load(version)
            if self._stopped or self._config is not config:
                return

    def _load(self, version: Version) -> None:
        self._move(version, State.LOADING)
        if self._pace.retries_changed:
            version.stamp = stamp(version.path)
        try:
            loaded = self._load_folder(version.path)
        except Exception as error:
            known = isinstance(error, ServingError)
            failure = error if isinstance(error, ServingError) else ServingError(Code.UNKNOWN, repr(error))
            if self._logged.get(version.number) != str(failure):
                logger.error("%s version %d: %s", self.name, version.number, failure, exc_info=not known)
            self._logged[version.number] = str(failure)
            with self._changed:
                version.fail(failure, self._pace.max_retries, self._pace.retry_seconds)
                if version.failures == 1:  # the policy may choose another in its place, which nobody should miss
                    self._looked = False
                    self._wake.set()
                self._changed.notify_all()
            return
        version.error = None
        self.available = {**self.available, version.number: loaded}
        self._move(version, State.AVAILABLE)

    def _unload_unwanted(self) -> None:
        """Unload unwanted versions, unless no wanted version is available yet."""
        if self._wanted and not self._wanted & self.available.keys():
            return
        for number in sorted(self.available.keys() - self._wanted):
            version = self._versions[number]
            self._move(version, State.UNLOADING)
            self.available = {key: it for key, it in self.available.items() if key != number}
            self._move(version, State.END)

    def _move(self, version: Version, state: State) -> None:
        logger.info("%s version %d: %s", self.name, version.number, state.name)
        with self._changed:
            version.state = state
            self._changed.notify_all()

    def _seconds_to_next(self, config: ModelConfig | None) -> float | None:
        retries = [v.retry_at - monotonic() for n in self._wanted if (v := self._versions[n]).is_loading]
        polls = [self._pace.poll_seconds] if config is not None and self._pace.poll_seconds > 0 else []
        return max(0.0, min(retries + polls)) if retries or polls else None
