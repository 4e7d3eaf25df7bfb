from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.local_server.flags import HELP, Flags, command


def parse(*arguments: str) -> Flags:
    parsed: list[Flags] = []
    result = CliRunner().invoke(command(parsed.append), arguments)
    assert result.exit_code == 0, result.output
    return parsed[0]


def test_every_flag_is_explained() -> None:
    assert HELP.keys() == Flags.__dataclass_fields__.keys()


def test_defaults() -> None:
    assert parse() == Flags()


@pytest.mark.parametrize("arguments", [("--port=1", "--enable_batching"), ("--port", "1", "--enable_batching=true")])
def test_both_spellings(arguments: tuple[str, ...]) -> None:
    assert parse(*arguments) == Flags(port=1, enable_batching=True)


def test_a_flag_can_be_turned_off() -> None:
    assert not parse("--enable_model_warmup=false").enable_model_warmup


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command(lambda flags: None), [f"--model_config_file={tmp_path}/no"])
    assert result.exit_code == 2


def test_version_names_tensorflow() -> None:
    output = CliRunner().invoke(command(lambda flags: None), ["--version"]).output
    assert "TensorFlow ModelServer: " in output
    assert "TensorFlow Library: 2.21" in output
