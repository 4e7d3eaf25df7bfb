from serving.canary.evidence import Histogram, Latencies, Seen
from serving.rollout.readings import Increases, Reading, Series
from serving.rollout.seen import given_percent, parity_failures, seen


def series(name: str, **labels: str) -> Series:
    return Series.of(f"plumbline_gateway_{name}", {"model": "sentiment", **labels})


def requests(a: float, b: float | None = None) -> Reading:
    """Of two gateways; the second may be gone, or not be there yet."""
    both = {"a": a, "b": b}
    return {series("requests_total", gateway=name): it for name, it in both.items() if it is not None}


def test_increases_go_on_over_restarts_and_count_gateways_that_come_and_go() -> None:
    increases = Increases(requests(100))
    total = [sum(increases.add(requests(*at)).values()) for at in ((110,), (115, 4), (3, 6), (3, None), (5, 1))]
    assert total == [10, 19, 24, 24, 27]


def test_gauges_are_not_added_up() -> None:
    increases = Increases({})
    assert increases.add({series("canary_ratio", version="5"): 0.2, series("version_engine", version="5"): 1}) == {}


def test_what_one_version_did_is_told_of_all_gateways() -> None:
    rises = {
        series("requests_total", version=version, code=code, gateway=gateway): count
        for version, code, gateway, count in (
            ("5", "200", "a", 90.0),
            ("5", "200", "b", 60.0),
            ("5", "503", "a", 3.0),
            ("5", "422", "b", 2.0),
            ("5", "400", "b", 1.0),
            ("5", "429", "b", 4.0),
            ("4", "200", "a", 7.0),
        )
    }
    for bound, count in (("0.01", 100.0), ("0.1", 150.0), ("+Inf", 160.0)):
        rises[series("request_seconds_bucket", version="5", le=bound)] = count
    for label, count in (("positive", 80.0), ("negative", 70.0)):
        rises[series("predictions_total", version="5", label=label)] = count
    latencies = Latencies((0.01, 0.1), (100, 50, 10))
    predictions = {"positive": 80.0, "negative": 70.0}
    assert seen(rises, 5) == Seen(160, 3, 3, latencies, predictions)
    assert seen(rises, 4) == Seen(7, 0, 0, None, None)
    assert seen(rises, 6) == Seen(0, 0, 0, None, None)


def test_of_values_the_bins_are_counted() -> None:
    rises = {
        series("feature_instances_total", version="5", feature=feature, bin=upto): count
        for feature, upto, count in (("value", "10", 3.0), ("value", "+Inf", 4.0), ("rooms", "10", 7.0))
    }
    assert seen(rises, 5).predictions == Histogram((10.0,), (3.0, 4.0))


def test_categories_of_a_field_with_an_answer_s_name_are_no_predictions() -> None:
    rises = {series("feature_instances_total", version="5", feature="value", bin="high"): 3.0}

    assert seen(rises, 5).predictions is None


def test_parity_failures_are_the_canarys_only_if_it_does_not_answer() -> None:
    failures = {series("parity_failures_total"): 2.0}
    live = {series("version_engine", version="4", engine="lite"): 1.0}
    assert parity_failures(failures, live, 5) == 2
    assert parity_failures(failures, live, 4) == 0
    assert parity_failures({}, live, 5) == 0


def test_the_share_that_gateways_give_is_the_largest() -> None:
    ratios = {series("canary_ratio", version="5", gateway=name): it for name, it in (("a", 0.05), ("b", 0.25))}
    assert given_percent(ratios, 5) == 25
    assert given_percent(ratios, 6) == 0
