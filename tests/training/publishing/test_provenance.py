import re
import subprocess

import pytest

from training.publishing.provenance import Code, code_of, git_revision


def test_the_revision_of_an_image_is_the_one_it_was_built_from(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REVISION", "abc123")

    assert git_revision() == "abc123"


def test_the_revision_of_a_checkout_is_its_commit(monkeypatch):
    monkeypatch.delenv("PLUMBLINE_REVISION", raising=False)

    assert re.fullmatch("[0-9a-f]{40}", git_revision())


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a task in it, and git in its folder."""
    folder = tmp_path / "repository"
    (folder / "tasks_of_mine").mkdir(parents=True)
    (folder / "tasks_of_mine" / "__init__.py").touch()
    (folder / "tasks_of_mine" / "churn.py").write_text("ONE = 1\n")
    (folder / "shared.py").write_text("ONE = 1\n")
    monkeypatch.syspath_prepend(folder)

    def git(*arguments):
        author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "A task")
    return folder, git


def code() -> Code:
    return code_of("tasks_of_mine.churn")


def test_a_task_s_commit_is_that_of_the_repository_that_holds_its_file(repository):
    folder, git = repository
    (folder / "models").mkdir()
    (folder / "models" / "version.json").touch()  # what a job writes is no change of its code

    assert code().git_revision == git("rev-parse", "HEAD")
    assert code().git_dirty is False
    assert code().plumbline_revision == git_revision()
    assert str(code()) == f"code {code().sha256[:12]} of commit {git('rev-parse', 'HEAD')[:12]}"


@pytest.mark.parametrize("name", ["tasks_of_mine/churn.py", "shared.py", "tasks_of_mine/new.py"])
def test_files_that_differ_from_the_commit_make_it_dirty(repository, name):
    folder, git = repository
    (folder / name).write_text("ONE = 2\n")

    assert code().git_revision == git("rev-parse", "HEAD")
    assert code().git_dirty is True
    assert str(code()).endswith(", with changes")


def test_a_task_that_a_repository_leaves_out_has_no_commit(repository):
    folder, git = repository
    git("rm", "--cached", "-r", "--quiet", "tasks_of_mine")
    (folder / ".gitignore").write_text("tasks_of_mine\n")

    assert (code().git_revision, code().git_dirty) == (None, None)


def test_without_repository_or_git_there_is_no_commit(repository, monkeypatch):
    folder, _ = repository
    (folder / ".git").rename(folder / "git")
    assert (code().git_revision, code().git_dirty) == (None, None)
    monkeypatch.setenv("PATH", str(folder))
    assert (code().git_revision, code().git_dirty) == (None, None)


def test_plumblines_own_tasks_have_plumblines_commit(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REVISION", "abc123")

    assert code_of("training.tasks.topic").git_revision == "abc123"
