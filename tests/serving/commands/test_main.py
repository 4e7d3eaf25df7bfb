import subprocess
import sys

from click.testing import CliRunner

from serving.commands.main import main


def test_a_command_whose_package_is_not_installed_is_not_listed_and_says_what_it_needs(tmp_path, monkeypatch):
    metadata = tmp_path / "elsewhere-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[plumbline.commands]\nfly = not_here.cli:fly\n")
    monkeypatch.syspath_prepend(tmp_path)

    listed = CliRunner().invoke(main, ["--help"])
    called = CliRunner().invoke(main, ["fly"])

    assert listed.exit_code == 0
    assert "serve" in listed.output
    assert "fly" not in listed.output
    assert called.exit_code == 1
    assert "'fly' needs not_here, which is not installed here" in called.output


def test_a_namesake_of_our_package_in_the_working_folder_is_named(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").touch()
    command = [sys.executable, "-m", "serving", "train", "sentiment"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"Error: 'train': {tmp_path / 'training'} has the name of Plumbline's own package 'training'" in done.stderr


def test_a_namesake_that_gunicorn_would_import_is_named(tmp_path):
    (tmp_path / "serving.py").touch()
    code = "import sys; sys.path.remove(''); from serving.commands.main import main; main()"  # as the script has it
    command = [sys.executable, "-c", code, "serve", "--models", "sentiment"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"Error: {tmp_path / 'serving.py'} has the name of Plumbline's own package 'serving'" in done.stderr
