import subprocess
import sys
import uuid

import pytest
from click.testing import CliRunner

from serving.process.exit_codes import ExitCode
from training.commands.options import PROTOCOLS
from training.commands.train import train
from training.task import task_names
from training.validation import STRATEGIES


def run(folder, *arguments):
    options = ["--models-dir", str(folder / "models"), "--reports-dir", str(folder / "reports")]
    return CliRunner().invoke(train, [*arguments, *options])


def ours(tmp_path, monkeypatch, package=""):
    """A package of two tasks: no model of `strict` is good enough."""
    (tmp_path / "mytasks").mkdir()
    (tmp_path / "mytasks" / "__init__.py").write_text(package)
    for name, floor in (("strict", 0.001), ("kind", None)):
        (tmp_path / "mytasks" / f"{name}.py").write_text(
            "import dataclasses\n"
            "from training.tasks.house_price import TASK as BASE\n"
            "def load(data_dir):\n"
            "    return dataclasses.replace(BASE.load_sample(), name='real')\n"
            "RECIPES = {'baseline': BASE.sample_recipes['baseline']}\n"
            f"TASK = dataclasses.replace(BASE, load=load, recipes=RECIPES, floor={floor})\n"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("mytasks", "mytasks.strict", "mytasks.kind"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_the_command_line_offers_every_validation_strategy():
    assert tuple(STRATEGIES) == PROTOCOLS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown model 'nope'; available: digits, house_price, image, sentiment, topic"),
        (["digits", "--recipe", "nope"], "digits has no recipe 'nope'; available: baseline"),
        (["digits", "--sample", "--set", "droput=1"], "unknown setting 'droput'; available: epochs"),
        (["digits", "--sample", "--set", "dropout=2"], "dropout at least 0 and less than 1"),
        (["digits", "--sample", "--seed", "-1"], "-1 is not in the range 0<=x<=2147483647"),
        (["digits", "--sample", "--tasks", "nopackage"], "package 'nopackage' not found"),
        (["digits", "--sample", "--set", "height=0"], "height must be at least 1"),
        (["digits", "--sample", "--folds", "3"], "--folds requires --protocol"),
        (["digits", "--sample", "--protocol", "kfold", "--folds", "999"], "200 rows are too few for KFold(folds=999)"),
        (["digits", "--sample", "--protocol", "none", "--folds", "3"], "of --protocol none, which takes none"),
        (["digits", "--sample", "--protocol", "none", "--set", "patience=2"], "which --protocol none has not"),
    ],
)
def test_a_mistake_is_named_without_a_stack_trace(tmp_path, arguments, message):
    done = run(tmp_path, *arguments)

    assert done.exit_code == ExitCode.BAD_INPUT
    assert message in done.output
    assert list(tmp_path.iterdir()) == []


def test_overrides_and_protocol_end_up_in_the_contract(tmp_path):
    from serving.contract import Contract

    options = ["--set", "epochs=2", "--set", "l2=0.001", "--protocol", "kfold", "--folds", "2"]
    done = run(tmp_path, "house_price", "--recipe", "baseline", "--sample", *options)

    assert done.exit_code == 0, done.output
    contract = Contract.from_json((tmp_path / "models/house_price/1/assets.extra/contract.json").read_text("utf-8"))
    assert contract.provenance["settings"]["epochs"] == 2
    assert contract.provenance["settings"]["l2"] == 0.001
    assert contract.evaluation["validation"]["protocol"] == {"name": "kfold", "folds": 2}
    assert len(contract.evaluation["validation"]["folds"]) == 2
    (report,) = (tmp_path / "reports" / "house_price").glob("*/report.html")
    assert "sample" in report.read_text("utf-8")


def test_without_validation_a_recipe_is_fitted_once_and_the_contract_and_report_say_so(tmp_path):
    from serving.contract import Contract

    options = ["--recipe", "best", "--set", "epochs=2", "--sample", "--protocol", "none"]
    done = run(tmp_path, "house_price", *options)

    assert done.exit_code == 0, done.output
    assert done.output.count("epoch 1/2") == 1  # not even the plainer recipes, which validation would compare
    contract = Contract.from_json((tmp_path / "models/house_price/1/assets.extra/contract.json").read_text("utf-8"))
    assert contract.evaluation["validation"] == {"protocol": {"name": "none"}}
    (report,) = (tmp_path / "reports" / "house_price").glob("*/report.html")
    assert "The run was not validated." in report.read_text("utf-8")


def test_a_model_that_the_gate_refuses_ends_with_its_code_and_still_has_a_report(tmp_path, monkeypatch):
    ours(tmp_path, monkeypatch)
    done = run(tmp_path, "strict", "--tasks", "mytasks", "--protocol", "holdout")

    assert done.exit_code == ExitCode.REFUSED, done.output
    assert "the task's floor requires at most 0.001" in done.stderr
    assert not (tmp_path / "models" / "strict" / "1").exists()
    assert len(list((tmp_path / "reports" / "strict").glob("*/metrics.json"))) == 1


def test_a_report_that_can_not_be_written_is_told_and_the_version_is_published(tmp_path, monkeypatch):
    ours(tmp_path, monkeypatch)
    for name in ("strict", "kind"):
        (tmp_path / "reports").mkdir(exist_ok=True)
        (tmp_path / "reports" / name).write_text("a file in the way")
    quick = ["--tasks", "mytasks", "--protocol", "none", "--lite", "none", "--no-compare"]

    done = run(tmp_path, "kind", *quick)
    assert done.exit_code == ExitCode.BAD_INPUT, done.output
    assert "the report can't be written to " in done.stderr
    assert (tmp_path / "models" / "kind" / "1" / "saved_model.pb").exists()

    refused = run(tmp_path, "strict", *quick)
    assert refused.exit_code == ExitCode.REFUSED, refused.output


def test_a_model_that_has_a_version_is_skipped(tmp_path):
    (tmp_path / "models" / "digits" / "4").mkdir(parents=True)

    done = run(tmp_path, "digits", "--missing")

    assert done.output == "digits: skipped, version 4 exists\n"


def test_what_is_published_is_delivered_to_the_store_and_is_there_for_the_next_pod(tmp_path):
    store = f"memory://{tmp_path.name}-{uuid.uuid4().hex}"
    plain = ["house_price", "--sample", "--recipe", "baseline", "--no-compare", "--protocol", "none", "--lite", "none"]
    first = run(tmp_path / "a", *plain, "--set", "epochs=1", "--store", store)
    assert first.exit_code == 0, first.output

    again = run(tmp_path / "b", "house_price", "--missing", "--store", store)
    assert again.output == "house_price: skipped, version 1 exists\n"
    assert (tmp_path / "b" / "models" / "house_price" / "1" / "saved_model.pb").exists()


def test_if_none_is_missing_tensorflow_is_not_even_imported(tmp_path):
    for name in task_names():
        (tmp_path / "models" / name / "1").mkdir(parents=True)
    code = (
        "import sys; from training.commands.train import train;"
        "train(['all', '--missing'], standalone_mode=False); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert done.stdout.splitlines()[0] == "house_price: skipped, version 1 exists"
    assert done.stdout.splitlines()[-1] == "False"
    assert done.stderr == ""


def test_all_are_trained_quickest_first_and_those_that_are_refused_stop_no_other(tmp_path, monkeypatch):
    ours(tmp_path, monkeypatch, 'QUICKEST_FIRST = ("strict", "gone")\n')
    (tmp_path / "models").mkdir()
    done = run(tmp_path, "all", "--tasks", "mytasks", "--protocol", "none")

    assert done.exit_code == ExitCode.REFUSED, done.output
    told = [line for line in done.output.splitlines() if line.endswith(" test rows") or ": published " in line]
    assert [line.partition(":")[0] for line in told] == ["strict", "kind", "kind"]
    assert done.stderr.endswith("Error: 1 of 2 models not published: strict\n")
    assert list((tmp_path / "models" / ".training").iterdir()) == []


def test_of_all_one_whose_data_are_away_stops_no_other_and_is_left_for_another_try(tmp_path, monkeypatch):
    ours(tmp_path, monkeypatch, 'QUICKEST_FIRST = ("strict",)\n')
    strict = tmp_path / "mytasks" / "strict.py"
    away = "    from training.errors import DataUnavailable\n    raise DataUnavailable('away')\n"
    strict.write_text(strict.read_text().replace("    return", f"{away}    return"))
    done = run(tmp_path, "all", "--missing", "--tasks", "mytasks", "--protocol", "none")

    assert done.exit_code == ExitCode.RETRY, done.output
    assert (tmp_path / "models" / "kind" / "1").exists()
    assert done.stderr.endswith(
        "Error: 1 of 2 models not published: strict; the same command may later publish strict\n"
    )


def test_while_a_model_is_trained_its_share_is_shown_and_others_wait(tmp_path, monkeypatch):
    from serving.registry.progress import Progress, in_training

    ours(tmp_path, monkeypatch)
    (tmp_path / "models").mkdir()
    shown = []

    def show(progress, share):
        before(progress, share)
        shown.append(in_training(tmp_path / "models"))

    before = Progress.show
    monkeypatch.setattr(Progress, "show", show)
    run(tmp_path, "all", "--tasks", "mytasks", "--protocol", "kfold", "--folds", "3", "--set", "epochs=2")

    shares = [0.12, 0.25, 0.38, 0.5, 0.62, 0.75, 0.88, 0.99]
    assert shown == [*({"kind": share, "strict": None} for share in shares), *({"strict": share} for share in shares)]


def test_what_xla_can_not_compile_is_reported_before_anything_is_learned(tmp_path):
    done = run(tmp_path, "topic", "--sample", "--no-compare", "--jit-compile")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert "--jit-compile: XLA can't compile this recipe's training step (DenseCountSparseOutput" in done.output
    assert "epoch" not in done.output


def test_a_command_does_not_print_what_tensorflow_logs(tmp_path):
    command = [sys.executable, "-m", "serving", "train", "nope"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert done.stderr == "Error: unknown model 'nope'; available: digits, house_price, image, sentiment, topic\n"


def test_a_whole_run_prints_our_lines_only(tmp_path):
    command = [sys.executable, "-m", "serving", "train", "house_price", "--sample", "--recipe", "baseline"]
    options = ["--protocol", "none", "--set", "epochs=2"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"house_price:", "epoch"}


def test_data_instead_of_a_file_that_declares_them_are_told_the_next_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("a,b\n1,2\n")
    done = CliRunner().invoke(train, ["own.csv"])

    assert done.exit_code == 2
    assert done.stderr.endswith("; to train on data: plumbline new own.csv\n")
