"""The controller follows the rules that Kubernetes documents."""

import pytest

from serving.capacity.autoscaler import Autoscaler, Behaviour, Controller, Figure, Policy, Target

DOUBLE = Behaviour(0, (Policy(15, percent=100),))
ONE_A_MINUTE = Behaviour(300, (Policy(60, pods=1),))
TARGET = Target(Figure.IN_FLIGHT, 10, later_seconds=0)
RULES = Autoscaler(2, 20, (TARGET,), DOUBLE, ONE_A_MINUTE)


def course(replicas: int, totals: list[float], rules: Autoscaler = RULES) -> list[int]:
    """The numbers of replicas at each sync, for the totals that it sees."""
    controller = Controller(rules, replicas)
    return [controller.sync(15 * number, lambda target, total=total: total) for number, total in enumerate(totals)]


@pytest.mark.parametrize(("total", "wanted"), [(100, 10), (101, 10), (109, 10), (111, 12), (91, 10), (89, 9), (1, 1)])
def test_a_target_wants_as_many_as_have_its_average_but_for_a_tenth(total: float, wanted: int) -> None:
    assert TARGET.wanted(total, 10) == wanted


def test_the_number_doubles_at_most_every_fifteen_seconds_up_to_the_most() -> None:
    assert course(2, [1000, 1000, 1000, 1000, 1000]) == [4, 8, 16, 20, 20]


def test_the_number_sinks_by_one_a_minute_after_five_minutes_in_which_less_was_wanted() -> None:
    numbers = course(5, [50] + [0] * 40)

    assert numbers[:20] == [5] * 20
    assert numbers[20:33] == [4] * 4 + [3] * 4 + [2] * 5


def test_a_short_lull_changes_nothing() -> None:
    assert course(5, [50, 0, 0, 0, 50, 0, 0, 50]) == [5] * 8


def test_of_two_targets_the_one_that_wants_more_counts() -> None:
    processors = Target(Figure.PROCESSORS, 100, later_seconds=0)
    rules = Autoscaler(2, 20, (processors, TARGET), DOUBLE, ONE_A_MINUTE)

    assert course(4, [60], rules) == [6]
