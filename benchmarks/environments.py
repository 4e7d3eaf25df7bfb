"""A virtual environment for each rival, from its lock in requirements/; created once, in .benchmarks/."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / ".benchmarks"

_LOCKS = Path(__file__).parent / "requirements"


def python_of(environment: str) -> Path:
    """Return the Python of a rival's environment, which is installed if its lock is new. Raises CalledProcessError.

    A whole path is that of an environment which is there.
    """
    if not environment:
        return Path(sys.executable)
    if Path(environment).is_absolute():
        return Path(environment) / "bin" / "python"
    lock = _LOCKS / f"{environment}.txt"
    folder = WORK / "environments" / environment
    installed = folder / "installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != digest:
        _install(folder, lock)
        installed.write_text(digest)
    return folder / "bin" / "python"


def _install(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    uv: list[str | Path] = [Path(sys.executable).with_name("uv"), "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    # Compiled, as ours is: without compiled bytecode, TensorFlow imports three times slower.
    install = [*uv, "pip", "install", "--require-hashes", "--compile-bytecode", "--requirements", lock]
    subprocess.run(install, check=True, env={**os.environ, "VIRTUAL_ENV": str(folder)})
