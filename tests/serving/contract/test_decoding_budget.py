"""Pictures are decoded within a budget of memory, and until the deadline."""

import base64
import time
from contextlib import AbstractContextManager, ExitStack

import pytest
from PIL import Image

from serving.contract import DecodingBudget, InstanceLimits, deadline, decoding_budget
from serving.contract.deadline import DeadlinePassed
from serving.contract.encoders.image import Picture
from serving.contract.encoders.picture_file import PictureLimits
from serving.contract.faults import Faults
from serving.errors import TooManyPictures
from tests.serving.contract.encoders.pictures import drawn, encoded, noise
from tests.serving.contract.encoders.reading import faults_of

FORMATS = ["PNG", "JPEG", "WEBP", "GIF"]


def within(budget: DecodingBudget) -> Picture:
    limits = InstanceLimits(text_characters=1, image_pixels=10**6, image_bytes=10**6, decoding=budget)
    return Picture(8, 8).limited(limits)


def soon() -> AbstractContextManager[None]:
    """What a request has: a deadline."""
    return deadline.until(time.perf_counter() + 60)


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_beyond_the_budget_is_refused_while_another_is_decoded(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    budget, file = DecodingBudget(40_000), encoded(noise(100, 80), format)
    with soon(), budget.held(39_000), pytest.raises(TooManyPictures, match="40,000 bytes; try again later"):
        within(budget).read([file], Faults())
    assert faults_of(within(budget), [file, file]) == []


def test_a_picture_that_needs_more_than_the_budget_is_decoded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    budget, file = DecodingBudget(1000), encoded(noise(100, 80))
    assert faults_of(within(budget), [file]) == []
    with soon(), budget.held(1), pytest.raises(TooManyPictures):
        within(budget).read([file], Faults())


def test_the_budget_is_free_again_after_a_picture_that_is_broken() -> None:
    budget = DecodingBudget(40_000)
    broken = encoded(noise(100, 80))[:2000]
    for _ in range(3):
        assert "expected a whole picture" in faults_of(within(budget), [broken])[0]
    with soon(), budget.held(40_000):
        pass


def test_what_has_no_deadline_never_waits_and_keeps_none_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    budget, file = DecodingBudget(40_000), encoded(noise(100, 80))
    with ExitStack() as held:
        with soon():
            held.enter_context(budget.held(40_000))
        assert faults_of(within(budget), [file]) == []
    with budget.held(40_000), soon():
        assert faults_of(within(budget), [file]) == []


@pytest.mark.parametrize(
    ("file", "count"),
    [
        (encoded(noise(100, 80)), 32_000 + 4 * 800),
        (encoded(noise(100, 80).convert("L")), 8_000 + 4 * 800),
        (encoded(Image.new("I;16", (100, 80))), 16_000 + 4 * 800),
        (encoded(noise(1000, 800), "JPEG"), 4 * 125 * 100 + 4 * 1000),  # decoded at an eighth
        (encoded(noise(1000, 800), "JPEG", progressive=True), 4 * 125 * 100 + 4 * 1000 + 6 * 1000 * 800),
        (encoded(noise(100, 80), "WEBP"), 19 * 8_000 + 4 * 800),
        (encoded(drawn(100, 80, "RGBA"), "WEBP"), 22 * 8_000 + 4 * 800),
    ],
    ids=["colour", "grey", "16-bit grey", "JPEG", "progressive JPEG", "WebP", "WebP with alpha"],
)
def test_what_a_picture_takes_is_known_by_its_header(file: bytes, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    budget = DecodingBudget(10**8)
    with soon(), budget.held(10**8 - count):
        assert faults_of(within(budget), [file]) == []
    with soon(), budget.held(10**8 - count + 1), pytest.raises(TooManyPictures):
        within(budget).read([file], Faults())


@pytest.mark.parametrize("format", FORMATS)
def test_no_picture_is_decoded_after_the_deadline(format: str) -> None:
    file = encoded(noise(100, 80), format)
    with deadline.until(time.perf_counter() - 1), pytest.raises(DeadlinePassed):
        Picture(8, 8).read([file], Faults())
    assert faults_of(Picture(8, 8), [file]) == []


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF"])
def test_the_deadline_is_looked_at_every_few_million_pixels(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = 0

    def check(needed: float = 0.0) -> None:
        nonlocal checks
        checks += 1

    monkeypatch.setattr(deadline, "check", check)
    file = encoded(Image.linear_gradient("L").resize((5000, 4000)), format)
    image, _ = PictureLimits(10**9, 10**9).opened(file)
    opened = checks
    image.load()
    assert checks - opened >= 5000 * 4000 / 4_000_000


def test_a_webp_that_takes_longer_than_there_is_time_is_not_begun() -> None:
    file = encoded(Image.new("L", (4000, 3000)), "WEBP")
    with deadline.until(time.perf_counter() + 0.3), pytest.raises(DeadlinePassed):
        Picture(8, 8).read([file], Faults())


def test_a_large_picture_in_base64_is_refused_by_its_beginning() -> None:
    text = base64.b64encode(encoded(noise(300, 300))).decode()
    assert len(text) > 2**16
    small = Picture(8, 8, max_pixels=99)
    assert faults_of(small, [text[: 2**16] + "no base64"]) == ["0: expected at most 99 pixels, got 300x300"]
    assert faults_of(Picture(8, 8), [text]) == []
