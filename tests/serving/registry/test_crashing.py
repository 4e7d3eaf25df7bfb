import subprocess
import sys
from pathlib import Path


def test_a_command_killed_at_any_step_leaves_whole_versions_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.serving.registry.crashing", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 4
