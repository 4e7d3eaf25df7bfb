import importlib
import sys

import pytest

from training.publishing.sources import code_sha256, source_file


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a module below a folder on the path, none of which is ever imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, source):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        importlib.invalidate_caches()

    write("company/__init__.py", "")
    write("company/tasks/__init__.py", "")
    write("company/tasks/churn.py", "raise RuntimeError('imported')\n")
    return write


def code():
    return code_sha256("company.tasks.churn")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("", "company/tasks/churn.py"),
        ("", "company/tasks/__init__.py"),
        ("", "company/__init__.py"),
        ("", "company/tasks/other.py"),
        ("", "company/tasks/deep/__init__.py"),
        ("from company import features", "company/features.py"),
        ("from company.features import words", "company/features.py"),
        ("import company.text.words as w", "company/text/__init__.py"),
        ("import company.text.words as w", "company/text/words.py"),
        ("from .. import features", "company/features.py"),
        ("from ..text.words import split", "company/text/words.py"),
        ("from . import helpers", "company/tasks/helpers.py"),
        ("def fit(data):\n    import helpers\n", "helpers.py"),
        ("try:\n    import fast_helpers\nexcept ImportError:\n    fast_helpers = None\n", "fast_helpers.py"),
        ("import lib.numbers", "lib/numbers.py"),
    ],
)
def test_other_source_is_other_code(write, statement, name):
    write("company/tasks/churn.py", statement)
    write("company/text/__init__.py", "")
    write("company/text/words.py", "")
    write("lib/__init__.py", "")
    write(name, f"{statement}\nONE = 1\n")
    before = code()
    write(name, f"{statement}\nONE = 2\n")

    assert code() != before
    assert not any(module.startswith(("company", "lib")) for module in sys.modules)


def test_what_an_import_imports_counts_too_and_a_circle_ends(write):
    write("company/tasks/churn.py", "import one")
    write("one.py", "import two")
    write("two.py", "import one\nTWO = 2")
    before = code()
    write("two.py", "import one\nTWO = 3")

    assert code() != before


def test_what_no_task_imports_does_not_count(write):
    write("unrelated.py", "ONE = 1")
    write("company/unrelated.py", "ONE = 1")
    before = code()
    write("unrelated.py", "ONE = 2")
    write("company/unrelated.py", "ONE = 2")

    assert code() == before


def test_of_an_installed_package_the_version_counts_and_not_the_source(write, tmp_path, monkeypatch):
    write("company/tasks/churn.py", "import vendored_numbers")

    def install(version, source):
        write("installed/vendored_numbers.py", source)
        write(
            "installed/vendored_numbers-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: vn\nVersion: {version}\n"
        )
        write("installed/vendored_numbers-1.dist-info/top_level.txt", "vendored_numbers\n")
        importlib.invalidate_caches()

    install("1.0", "ONE = 1")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    before = code()
    install("1.0", "ONE = 2")
    assert code() == before
    install("2.0", "ONE = 2")
    assert code() != before


def test_a_package_without_init_files_and_a_file_that_is_no_python_are_no_reason_to_stop(write):
    write("company/tasks/broken.py", "def (")
    write("spread/part.py", "ONE = 1")
    write("company/tasks/churn.py", "from spread import part")
    before = code()
    write("spread/part.py", "ONE = 2")

    assert code() != before


def test_plumblines_own_tasks_are_told_by_plumblines_source(tmp_path):
    ours = {name: code_sha256(f"training.tasks.{name}") for name in ("topic", "digits")}

    assert len(set(ours.values())) == 2
    assert ours["topic"] == code_sha256("training.tasks.topic")
    assert source_file("training.tasks.topic").name == "topic.py"
    assert source_file("training.tasks.nope") is None
