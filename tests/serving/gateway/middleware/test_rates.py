import pytest

from serving.gateway.middleware.rates import Rate, parse_rates


def test_a_rate_allows_its_number_at_once_unless_it_says_otherwise() -> None:
    assert parse_rates("20/minute") == (Rate("20/minute", 3.0, 20),)
    assert parse_rates("10/second,burst=50; 1000/day") == (
        Rate("10/second,burst=50", 0.1, 50),
        Rate("1000/day", 86.4, 1000),
    )


@pytest.mark.parametrize(
    "text", ["", "fast", "10", "0/second", "10/second;", "10/week", "10/second,burst=0", "-1/second", "1e3/second"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a rate such as"):
        parse_rates(text)


def test_the_rates_of_one_key_are_few() -> None:
    with pytest.raises(ValueError, match="at most 4 rates, got 5"):
        parse_rates(";".join(["1/second"] * 5))
