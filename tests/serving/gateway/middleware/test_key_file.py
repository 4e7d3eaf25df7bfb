import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.commands.keys import keys
from serving.gateway.middleware.key_file import KeyFile, make_key, read_keys
from tests.serving.fake_model_server import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api-keys"


HASHED = "a sha256:" + "0" * 64


def _owner(file: KeyFile, key: str) -> str | None:
    line = file.find(key)
    return line.owner if line else None


def test_a_key_belongs_to_its_owner_and_no_other_does(path: Path) -> None:
    (alice, alices_line), (bob, bobs_line) = make_key("alice"), make_key("bob")
    path.write_text(f"# who asks\n\n{alices_line}\n{bobs_line}\n")
    file = KeyFile(path)
    assert (_owner(file, alice), _owner(file, bob)) == ("alice", "bob")
    for wrong in ("", alice[:-1], alice + "x", alice.upper(), str(alices_line), "ÿ" * 40):
        assert _owner(file, wrong) is None


def test_the_file_holds_the_hash_only() -> None:
    key, line = make_key("alice")
    assert len(key) > 40
    assert key != make_key("alice")[0]
    assert str(line) == f"alice sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def test_a_key_that_is_taken_out_is_refused_and_a_new_one_taken_without_a_restart(path: Path) -> None:
    (old, old_line), (new, new_line) = make_key("alice"), make_key("alice")
    path.write_text(f"{old_line}\n")
    file = KeyFile(path)
    assert _owner(file, old) == "alice"
    path.write_text(f"{new_line}\n{new_line}\n")
    wait_until(lambda: _owner(file, old) is None)
    assert _owner(file, new) == "alice"


def test_a_secret_that_kubernetes_swaps_is_followed(tmp_path: Path) -> None:
    """It changes the target of a link, to which the mounted file is a link again."""
    (old, old_line), (new, new_line) = make_key("alice"), make_key("alice")
    for folder, line in (("..1", old_line), ("..2", new_line)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "api-keys").write_text(f"{line}\n")
        os.utime(tmp_path / folder / "api-keys", (1, 1))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "api-keys").symlink_to("..data/api-keys")
    file = KeyFile(tmp_path / "api-keys")
    assert _owner(file, old) == "alice"
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").rename(tmp_path / "..data")
    wait_until(lambda: _owner(file, new) == "alice")
    assert _owner(file, old) is None


def test_a_file_that_is_spoilt_changes_nothing_but_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key, line = make_key("alice")
    path.write_text(f"{line}\n")
    file = KeyFile(path)
    path.write_text(f"{line}\nbob: {key}\n")
    wait_until(lambda: _owner(file, key) == "alice" and bool(caplog.records))
    assert "may follow, in line 2" in caplog.text
    assert key not in caplog.text
    path.unlink()
    wait_until(lambda: _owner(file, key) == "alice" and "No such file" in caplog.text)
    assert len([record for record in caplog.records if "in line 2" in record.message]) == 1


def test_a_file_that_could_not_be_opened_is_read_once_it_can(path: Path) -> None:
    (old, old_line), (new, new_line) = make_key("alice"), make_key("alice")
    path.write_text(f"{old_line}\n")
    file = KeyFile(path)
    path.unlink()
    path.mkdir()  # what can't be opened, also by root
    wait_until(lambda: _owner(file, old) == "alice")
    path.rmdir()
    path.write_text(f"{new_line}\n")
    wait_until(lambda: _owner(file, new) == "alice")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alice\n", "in line 1"),
        ("# fine\nalice sha256:12\n\nbob md5:0\n", "in line 2, 4"),
        (f"{HASHED} models=\n{HASHED} models=a/b\n{HASHED} models=a,\n", "in line 1, 2, 3"),
        (f"{HASHED} rate=fast\n{HASHED} rate=\n{HASHED} rights=all\n", "in line 1, 2, 3"),
        (f"{HASHED} captures=write\n{HASHED} captures=\n", "in line 1, 2"),
        (f"{HASHED} models=a models=b\n{HASHED} sentiment\n", "in line 1, 2"),
        ("a/b sha256:" + "0" * 64, "in line 1"),
        (("a sha256:" + "0" * 64 + "\n") * 1001, "at most 1000 keys, got 1001"),
    ],
)
def test_what_is_no_key_file_is_refused(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_keys(path)


def test_the_command_shows_the_key_apart_from_its_line(path: Path) -> None:
    done = CliRunner().invoke(keys, ["alice"])
    assert done.exit_code == 0
    path.write_text(done.stdout)
    assert _owner(KeyFile(path), done.stderr.strip()) == "alice"


def test_a_line_says_what_its_key_may_do(path: Path) -> None:
    done = CliRunner().invoke(
        keys, ["alice", "--models", "topic,sentiment", "--rate", "10/second,burst=50;9/day", "--captures"]
    )
    assert done.exit_code == 0
    assert done.stdout.endswith(" models=sentiment,topic rate=10/second,burst=50;9/day captures=read\n")
    path.write_text(done.stdout)
    line = KeyFile(path).find(done.stderr.strip())
    assert line is not None
    assert line.models == {"sentiment", "topic"}
    assert [rate.burst for rate in line.rates] == [50, 9]
    assert line.reads_captures


def test_a_line_that_says_nothing_more_is_for_every_model(path: Path) -> None:
    key, line = make_key("alice")
    for text in (str(line), f"{line} models=*"):
        path.write_text(text)
        found = KeyFile(path).find(key)
        assert found is not None
        assert (found.models, found.rates, found.reads_captures) == (None, (), False)


@pytest.mark.parametrize("option", [("--models", "A b"), ("--rate", "fast")])
def test_the_command_refuses_rights_that_can_not_stand_there(option: tuple[str, str]) -> None:
    done = CliRunner().invoke(keys, ["alice", *option])
    assert done.exit_code == 2
    assert "expected" in done.output


def test_the_command_refuses_a_name_that_can_not_stand_there() -> None:
    done = CliRunner().invoke(keys, ["a b"])
    assert done.exit_code == 2
    assert "expected a name of at most 64 letters" in done.output
