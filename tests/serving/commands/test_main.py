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
