"""What computes a version's signature `serving_default` in this process: LiteRT, or TensorFlow.

For one row LiteRT takes about half of TensorFlow's time or less, and a process with it about a fifth of the memory or
less; but not every graph can be converted for it.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ContractError
from serving.process.engines import LITE, TENSORFLOW, is_installed
from serving.process.quiet_import import quiet_import
from serving.registry.errors import DamagedVersion
from serving.registry.integrity import check_version
from serving.registry.lite import lite_facts, read_lite
from serving.registry.versions import read_contract
from serving.runtime.errors import ServingError, failed_precondition
from serving.tfserving.codes import Code

DEFAULT_SIGNATURE = "serving_default"


class Engine(Protocol):
    """One loaded version. Safe to share between threads; freed with the last reference."""

    name: str
    """LITE or TENSORFLOW."""

    def compute(self, features: Features) -> dict[str, Array]:
        """Return all outputs of `serving_default` by name. Raise ServingError."""
        ...


def load_engine(version: Path, threads: int) -> Engine:
    """Load the version in a folder: for LiteRT if it has a lite form, else for TensorFlow. Raise ServingError.

    An operation of TensorFlow may use so many *threads*; 0 is as many as there are processors. LiteRT uses one.
    """
    _check_files(version)
    lite = _lite(version)
    if lite is not None and is_installed(LITE):
        from serving.runtime.lite import LiteEngine  # here, and not at the top: it takes memory

        return LiteEngine(lite)
    if not is_installed(TENSORFLOW):
        needs = "TensorFlow, for it has no lite form" if lite is None else "LiteRT"
        extra = "train" if lite is None else "lite"
        raise failed_precondition(f"{version}: computing it needs {needs}: pip install 'plumbline[{extra}]'")
    with _quiet_tensorflow():
        from serving.runtime.tensorflow_engine import TensorFlowEngine

    return TensorFlowEngine(version, threads)


def load_libraries(versions: Iterable[Path]) -> None:
    """Load the libraries that compute *versions*, so that forked processes share them. No thread is started."""
    has_lite = {bool(lite_facts(read_contract(version)).get("sha256")) for version in versions}
    if True in has_lite and is_installed(LITE):
        import serving.runtime.lite  # noqa: F401
    if (False in has_lite or not is_installed(LITE)) and is_installed(TENSORFLOW):
        with _quiet_tensorflow():
            from serving.runtime.tensorflow_c import register_operations

        register_operations()


def _check_files(version: Path) -> None:
    try:
        check_version(version)
    except (OSError, DamagedVersion) as error:
        raise ServingError(Code.DATA_LOSS, f"{version}: {error}") from error


def _lite(version: Path) -> bytes | None:
    try:
        return read_lite(version)
    except FileNotFoundError:  # whoever asks for its contract is told
        return None
    except (OSError, ContractError) as error:
        raise ServingError(Code.DATA_LOSS, f"{version}: {error}") from error


@contextlib.contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when its library is loaded; errors are raised as well
    with quiet_import():
        yield
