from datetime import UTC, datetime

import pytest

from serving.catalog.weights import InvalidWeights, Lines, ModelWeights, Share, parse, with_shadows, written

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DOCUMENT = """\
# of the week
sentiment=4
sentiment:5=20 since=2026-11-29T11:00:00Z until=2026-11-29T13:00:00+01:00   # on its way
sentiment:3=refused  # it fails

topic:7=2.5%
topic:8=0
"""


def test_a_document_is_read_by_model() -> None:
    eleven = datetime(2026, 11, 29, 11, tzinfo=UTC)
    assert parse(DOCUMENT) == {
        "sentiment": Lines(4, {5: Share(20, eleven, NOON)}, {3: "it fails"}),
        "topic": Lines(None, {7: Share(2.5), 8: Share(0)}, {}),
    }
    assert parse("") == parse("# nothing yet\r\n\r\n") == {}


def test_a_share_ends_with_its_time() -> None:
    lines = parse(DOCUMENT)["sentiment"]
    assert lines.at(NOON.replace(hour=11)) == ModelWeights(4, {5: 20.0}, {3: "it fails"})
    assert lines.at(NOON) == ModelWeights(4, {5: 0.0}, {3: "it fails"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sentiment", "expected model=version, model:version=percent or model:version=refused"),
        ("Sentiment=4", "got 'Sentiment=4'"),
        ("sentiment:five=20", "got 'sentiment:five=20'"),
        ("sentiment:5=-1", "got 'sentiment:5=-1'"),
        ("sentiment:5=nan", "got 'sentiment:5=nan'"),
        ("sentiment:0=5", "got 'sentiment:0=5'"),
        ("sentiment:\u0665=20", "got 'sentiment:"),
        ("sentiment=2.5", "expected the number of a version of sentiment, got '2.5'"),
        ("sentiment=refused", "expected the number of a version of sentiment, got 'refused'"),
        ("sentiment=4 until=2026-11-29T12:00:00Z", "got 'sentiment=4 until="),
        ("topic=5", "topic has two stable versions, 4 and 5"),
        ("topic:7=5", "version 7 of topic is listed twice"),
        ("topic:6=refused", "version 6 of topic is listed twice"),
        ("topic:8=81", "expected shares of topic of at most 100 percent in total"),
        ("topic:4=refused", "version 4 of topic can't be both stable and refused"),
        ("topic:8=5 until=noon", "expected one until= with a time and its zone"),
        ("topic:8=5 until=2026-11-29T12:00:00", "expected one until= with a time and its zone"),
        ("topic:8=5 until=2026-11-29T12:00:00Z until=2026-11-29T12:00:00Z", "expected one until="),
        ("topic:8=refused until=2026-11-29T12:00:00Z", "what is refused has no time"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_with_its_number(line: str, problem: str) -> None:
    with pytest.raises(InvalidWeights) as told:
        parse(f"topic=4\ntopic:7=20\ntopic:6=refused\n{line}\n")
    assert str(told.value).startswith("line 4: ")
    assert problem in str(told.value)


def test_a_document_has_a_limit() -> None:
    with pytest.raises(InvalidWeights, match="expected at most 65,536 bytes"):
        parse("#" * 70_000)


def test_only_the_lines_of_one_model_are_written_anew() -> None:
    lines = Lines(4, {6: Share(5.0, NOON)}, {5: "it fails\n1 in 10"})
    after = written(DOCUMENT + "sentiment-2=1", "sentiment", lines)
    assert (
        after
        == """\
# of the week

topic:7=2.5%
topic:8=0
sentiment-2=1
sentiment=4
sentiment:6=5 since=2026-11-29T12:00:00Z
sentiment:5=refused  # it fails 1 in 10
"""
    )
    assert parse(after)["sentiment"] == Lines(4, {6: Share(5.0, NOON)}, {5: "it fails 1 in 10"})


def test_versions_that_only_shadow_requests_get_none_but_what_is_said() -> None:
    weights = {"sentiment": ModelWeights(4, {5: 20.0}, {3: "it fails"}), "topic": ModelWeights(7)}
    assert with_shadows(weights, {"sentiment": (3, 4, 5, 6), "image": (2,)}) == {
        "sentiment": ModelWeights(4, {5: 20.0, 6: 0.0}, {3: "it fails"}),
        "topic": ModelWeights(7),
        "image": ModelWeights(shares={2: 0.0}),
    }
