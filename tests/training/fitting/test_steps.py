import itertools

import pytest
import tensorflow as tf

from training.fitting import steps
from training.fitting.steps import Steps


@pytest.fixture
def clock(monkeypatch):
    """A clock by which each call takes so many seconds as it is set to."""
    seconds = [0.0]
    ticks = itertools.count()
    monkeypatch.setattr(steps.time, "monotonic", lambda: seconds[0] * next(ticks))
    return seconds


class Taken:
    """Steps that note what they are given, how often they are traced, and how long each call was."""

    def __init__(self):
        self.traces = 0
        self.rows = tf.Variable(tf.zeros([0], tf.int32), shape=[None])
        self.steps = Steps(self.step)
        self.calls = []
        call = self.steps._taken
        self.steps._taken = lambda order, first, end: self.calls.append(end - first) or call(order, first, end)

    def step(self, order, number):
        self.traces += 1
        self.rows.assign(tf.concat([self.rows, order[number : number + 1]], axis=0))


def test_short_steps_share_calls_of_one_graph(clock):
    taken = Taken()
    for _ in range(3):
        taken.steps(tf.range(23)[::-1], 23)

    assert taken.rows.numpy().tolist() == 3 * [*range(23)][::-1]
    assert taken.traces == 1
    assert taken.calls == [1, 2, 4, 8, 8, 16, 7, 23]


def test_a_call_of_long_steps_takes_one_so_that_a_job_can_be_ended_after_each(clock):
    clock[0] = steps.SECONDS * 1.01
    taken = Taken()
    taken.steps(tf.range(5), 5)

    assert taken.calls == [1, 1, 1, 1, 1]


def test_calls_become_shorter_when_steps_take_longer(clock):
    taken = Taken()
    taken.steps(tf.range(7), 7)
    clock[0] = steps.SECONDS * 1.01
    taken.calls.clear()
    taken.steps(tf.range(16), 16)

    assert taken.calls == [8, 4, 2, 1, 1]
