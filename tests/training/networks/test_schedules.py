import pytest

from training.networks.schedules import cosine


def test_the_rate_rises_to_its_peak_in_a_tenth_of_the_steps_and_falls_to_nothing():
    rate = cosine(0.5, epochs=10, rows=95, batch_size=10)  # 10 steps an epoch, the last of 5 rows
    rates = [float(rate(step)) for step in range(101)]

    assert rates[0] == pytest.approx(0.05)
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-6)


def test_a_single_step_has_a_rate():
    assert 0 < float(cosine(0.5, epochs=1, rows=1, batch_size=10)(0)) <= 0.5
