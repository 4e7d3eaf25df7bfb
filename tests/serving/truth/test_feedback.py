import re
from datetime import UTC, datetime

import pytest

from serving.captures import DamagedCapture, read_part
from serving.captures.parts import packed
from serving.truth.feedback import Feedback

LINE = (
    b'{"feedback":1,"time":"2026-11-29T10:11:12.345678Z","request_id":"a-1","index":0,"model":"sentiment",'
    b'"truth":"positive"}'
)


def test_a_line_is_read_as_it_was_written() -> None:
    time = datetime(2026, 11, 29, 10, 11, 12, 345678, tzinfo=UTC)
    feedback = Feedback(time=time, request_id="a-1", index=0, model="sentiment", truth="positive")

    assert feedback.to_json() == LINE
    assert Feedback.from_json(LINE) == feedback


@pytest.mark.parametrize("truth", [b"3.2", b'["a","b"]', b"[]", b'{"risk":"low","price":{"x":1}}'])
def test_a_truth_may_have_these_forms(truth) -> None:
    line = LINE.replace(b'"positive"', truth)

    assert Feedback.from_json(line).to_json() == line


@pytest.mark.parametrize(
    ("was", "put", "told"),
    [
        (LINE, b"[]", "expected an object with 'feedback': 1, as each line has"),
        (LINE[-20:], b"", "expected an object of JSON"),
        (b'"feedback":1', b'"feedback":2', "expected 'feedback': 1, got 2: a later release wrote it"),
        (b'"index":0,', b"", "expected a member 'index': a whole number, at least 0"),
        (b'"index":0', b'"index":-1', "index: expected a whole number, at least 0, got -1"),
        (b'"index":0', b'"index":true', "index: expected a whole number, at least 0, got True"),
        (b'"a-1"', b'"a 1"', "request_id: expected a request's id, such as it has in X-Request-ID, got 'a 1'"),
        (b'"sentiment"', b'""', "model: expected a text, got ''"),
        (b":12.345678Z", b"", "time: expected a time such as 2026-11-29T10:11:12.345678Z, got '2026-11-29T10:11'"),
        (
            b'"positive"',
            b"null",
            "truth: expected a text, a finite number, a list of texts, or an object of these, got nothing",
        ),
        (
            b'"positive"',
            b"[1]",
            "truth: expected a text, a finite number, a list of texts, or an object of these, got [1]",
        ),
        (
            b'"positive"',
            b"{}",
            "truth: expected a text, a finite number, a list of texts, or an object of these, got {}",
        ),
        (b"positive", b"x" * 69_900, "expected a line of at most 65,536 bytes, got 70,012"),
    ],
)
def test_another_line_is_refused_with_its_place(was, put, told, tmp_path) -> None:
    (tmp_path / "part.jsonl.gz").write_bytes(packed(LINE + b"\n" + LINE.replace(was, put) + b"\n"))
    reading = read_part(str(tmp_path), str(tmp_path / "part.jsonl.gz"), Feedback.from_json)

    assert next(reading).truth == "positive"
    with pytest.raises(DamagedCapture, match=re.escape(f"part.jsonl.gz: line 2: {told}") + "$"):
        next(reading)
