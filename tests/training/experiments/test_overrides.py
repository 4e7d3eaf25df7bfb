import dataclasses

import pytest

from training.errors import BadRequest
from training.experiments.overrides import override, settings


@dataclasses.dataclass(frozen=True)
class Part:
    turn: float = 0.1


@dataclasses.dataclass(frozen=True)
class Recipe:
    epochs: int = 3
    dropout: float = 0.5
    flip: bool = False
    base: str = "MobileNet"
    units: tuple[int, ...] = (16, 16)
    without: tuple[str, ...] = ()
    part: Part = Part()
    options: dict = dataclasses.field(default_factory=dict)


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("epochs=5", Recipe(epochs=5)),
        ("dropout=0", Recipe(dropout=0.0)),
        ("flip=true", Recipe(flip=True)),
        ("base=Xception", Recipe(base="Xception")),
        ("units=32", Recipe(units=(32,))),
        ("units=64,64,8", Recipe(units=(64, 64, 8))),
        ("without=B,CHAS", Recipe(without=("B", "CHAS"))),
        ("without=", Recipe()),
        ("part.turn=0.2", Recipe(part=Part(0.2))),
    ],
)
def test_a_setting_is_read_by_its_type(assignment, changed):
    assert override(Recipe(), [assignment]) == changed


def test_the_last_of_two_wins():
    assert override(Recipe(), ["epochs=5", "epochs=6"]) == Recipe(epochs=6)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs", "expected name=value, such as dropout=0.3, got 'epochs'"),
        (
            "droput=1",
            "unknown setting 'droput'; available: epochs, dropout, flip, base, units, without, part.turn, options",
        ),
        ("part=1", "unknown setting 'part'; available: "),
        ("part.tun=1", "unknown setting 'part.tun'"),
        ("epochs.x=1", "unknown setting 'epochs.x'"),
        ("epochs=many", "epochs=many: expected a whole number of at least 0, such as 3"),
        ("epochs=1.5", "expected a whole number"),
        ("dropout=", "expected a finite number, such as 0.5"),
        ("flip=1", "expected true or false, such as false"),
        ("units=a,b", "expected whole numbers of at least 1, separated by commas, such as 16,16"),
        ("epochs=-1", "epochs=-1: expected a whole number of at least 0"),
        ("units=8,0", "whole numbers of at least 1"),
        ("dropout=nan", "expected a finite number, such as 0.5"),
        ("options=x", "options=x: only the task's file can change this setting"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(assignment, message):
    with pytest.raises(BadRequest, match=message):
        override(Recipe(), [assignment])


def test_settings_are_listed_by_the_names_that_can_be_set():
    assert list(settings(Recipe())) == ["epochs", "dropout", "flip", "base", "units", "without", "part.turn", "options"]
