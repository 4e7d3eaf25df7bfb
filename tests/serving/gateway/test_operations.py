"""docs/operations.md: its settings are those that there are, and what it shows is what happens."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from serving.commands.serve import serve
from serving.gateway.settings import Settings
from serving.local_server.flags import command as local_server
from serving.registry.integrity import write_manifest
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running
from tests.test_readme import OPERATIONS, commands, shape

TEXT = OPERATIONS.read_text()
COMMANDS = commands(OPERATIONS)
MISTAKEN = [command for command in COMMANDS if command.startswith(("PORT=http", "CORS_ORIGINS="))]
SERVED = next(command for command in COMMANDS if command.startswith("API_KEYS_FILE="))
ASKING = [command for command in COMMANDS if command.startswith(("curl", "seq", "kill"))]
PARSED = [
    command
    for command in COMMANDS
    if re.match(r"MODEL_SERVER_CA|TRACING|REQUIRE_SIG|python -m|plumbline serve", command)
]
SIGNING = [command for command in COMMANDS if re.match(r"openssl|plumbline models (sign|verify) ", command)]


def variable(name: str) -> str:
    return "PROMETHEUS_MULTIPROC_DIR" if name == "metrics_dir" else name.upper()


def test_the_table_has_every_setting_and_its_default() -> None:
    shown = dict(re.findall(r"^\| `([A-Z_]+)` \| (\S+) \|", TEXT, re.M))
    assert shown.keys() == {variable(setting.name) for setting in fields(Settings)}
    read = {name: text.strip("`") for name, text in shown.items() if text != "none"}
    assert Settings.from_env(read) == Settings()
    unset = {name for name, text in shown.items() if text == "none"}
    assert unset == {variable(setting.name) for setting in fields(Settings) if not _is_told(setting.name)}


def _is_told(name: str) -> bool:
    return getattr(Settings(), name) not in (None, "", {}, ())


def test_each_command_is_one_that_a_test_below_takes() -> None:
    keys = [command for command in COMMANDS if command.startswith(("plumbline keys", "cat "))]
    assert sorted(COMMANDS) == sorted([*MISTAKEN, SERVED, *ASKING, *PARSED, *SIGNING, *keys])


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **more}
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("command", MISTAKEN)
def test_mistakes_are_told_as_shown(tmp_path: Path, command: str) -> None:
    done = run(command, tmp_path)
    assert (done.returncode, done.stderr) == (1, COMMANDS[command])


def test_a_version_is_signed_and_verified_as_shown(tmp_path: Path) -> None:
    version = tmp_path / "models" / "sentiment" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_text("a graph")
    write_manifest(version)

    done = [run(command, tmp_path) for command in SIGNING]

    assert [each.returncode for each in done] == [0] * 4
    assert [each.stdout for each in done] == [COMMANDS[command] for command in SIGNING]


@pytest.mark.parametrize("command", PARSED)
def test_what_stays_has_the_settings_and_flags_that_it_is_shown_with(command: str) -> None:
    *assigned, program = re.findall(r"(?:(?<=^)|(?<= ))([A-Z_]+)=\S+|(plumbline serve|python -m \S+)", command)
    if program[1].startswith("python"):
        flags = [flag for flag in command.split() if flag.startswith("--") and "ssl_config_file" not in flag]
        local_server(lambda flags: None).make_context("local_server", flags)
        assert any(option.name == "ssl_config_file" for option in local_server(lambda flags: None).params)
    else:
        serve.make_context("serve", command.partition("plumbline serve")[2].split())
    known = {variable(setting.name) for setting in fields(Settings)}
    assert [name for name, _ in assigned if name not in known and not name.startswith("OTEL_")] == []


def test_the_session_that_is_shown(model_server: FakeModelServer, tmp_path: Path) -> None:
    model_server.publish(text_contract())
    made = run("plumbline keys alice >> api-keys", tmp_path)
    assert re.fullmatch(r"plumbline_[\w-]{43}\n", made.stderr)
    assert re.fullmatch(r"alice sha256:[0-9a-f]{64}\n", run("cat api-keys", tmp_path).stdout)
    rights = next(command for command in COMMANDS if "--models" in command and command.startswith("plumbline keys"))
    assert run(rights, tmp_path).returncode == 0
    assert re.search(r"bob sha256:\S+ models=sentiment,topic rate=\S+burst=50\n", run("cat api-keys", tmp_path).stdout)
    options = dict(re.findall(r"([A-Z_]+)=(\S+)", SERVED))
    options["API_KEYS_FILE"] = str(tmp_path / options["API_KEYS_FILE"])
    folder = tmp_path / "metrics"
    folder.mkdir()
    running = Running(
        model_server.address, folder, tmp_path / "log", MODELS="sentiment", **{"DRAIN_SECONDS": "5", **options}
    )
    try:
        wait_until(running.ready)
        for command in ASKING:
            environment = {"API_KEY": made.stderr.strip(), "GATEWAY": str(running.process.pid)}
            _check(
                command, run(command.replace("localhost:8000", f"127.0.0.1:{running.port}"), tmp_path, **environment)
            )
            if command.startswith("kill"):
                wait_until(lambda: "draining for 5 s" in running.log)
        assert running.process.wait(30) == 0
    finally:
        running.process.kill()
        running.process.wait()
    _check_log(running.log)


def _check(command: str, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    if command.startswith("seq"):
        assert re.findall(r"\d+$", done.stdout, re.M) == re.findall(r"\d+$", COMMANDS[command], re.M)
    elif command.startswith("curl"):
        assert shape(json.loads(done.stdout)) == shape(json.loads(COMMANDS[command]))


def _check_log(log: str) -> None:
    """Each line that is shown has its like in the log."""
    shown = [json.loads(line) for line in re.search(r"```json\n(.*?)```", TEXT, re.S)[1].splitlines()]
    told = [json.loads(line) for line in log.splitlines()]
    for line in shown:
        assert _like(line) in [_like(each) for each in told]


def _like(line: Mapping[str, object]) -> tuple[object, ...]:
    return line["logger"], line["message"], line.get("status"), tuple(line)
