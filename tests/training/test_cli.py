import pytest
from click.testing import CliRunner

from training.cli import PROTOCOLS, train
from training.protocols import _PROTOCOLS


def run(*arguments):
    return CliRunner().invoke(train, arguments)


def test_the_choices_of_the_command_line_are_the_protocols_there_are():
    assert tuple(_PROTOCOLS) == PROTOCOLS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "no model 'nope'; there are digits, house_price, image, sentiment, topic"),
        (["digits", "--recipe", "nope"], "digits has no recipe 'nope'; there are baseline"),
        (["digits", "--sample", "--set", "droput=1"], "no setting 'droput'; there are epochs"),
        (["digits", "--sample", "--set", "dropout=2"], "dropout at least 0 and less than 1"),
        (["digits", "--sample", "--folds", "3"], "--folds goes with --protocol"),
        (["digits", "--sample", "--protocol", "kfold", "--folds", "999"], "200 rows are too few for KFold(folds=999)"),
    ],
)
def test_a_mistake_is_named_without_a_stack_trace(tmp_path, arguments, message):
    done = run(*arguments, "--models-dir", str(tmp_path))

    assert done.exit_code == 1
    assert message in done.output
    assert list(tmp_path.iterdir()) == []


def test_overrides_and_protocol_end_up_in_the_contract(tmp_path):
    from serving.contract import Contract

    options = ["--set", "epochs=2", "--set", "l2=0.001", "--protocol", "kfold", "--folds", "2"]
    done = run("house_price", "--sample", "--models-dir", str(tmp_path), *options)

    assert done.exit_code == 0, done.output
    contract = Contract.from_json((tmp_path / "house_price/1/assets.extra/contract.json").read_text("utf-8"))
    assert contract.provenance["settings"]["epochs"] == 2
    assert contract.provenance["settings"]["l2"] == 0.001
    assert contract.evaluation["validation"]["protocol"] == {"name": "kfold", "folds": 2}
    assert len(contract.evaluation["validation"]["folds"]) == 2


def test_what_is_there_already_is_left_alone(tmp_path):
    (tmp_path / "digits" / "4").mkdir(parents=True)

    done = run("digits", "--missing", "--models-dir", str(tmp_path))

    assert done.output == "digits: version 4 is there\n"
