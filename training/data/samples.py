"""The built-in samples: small synthetic data sets, for tests and for machines without real data. Not for real use."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from serving.registry import SAMPLE
from training.data.datasets import DISTRICT_FIELDS, HOUSE_FIELDS, Dataset, Instance, Part, named, png

NAME = SAMPLE
"""Name of the data set in the contract of a model that was trained on a sample."""

_FILLER = "the a of this it was and in to for on with as at by from year company film story people".split()
_GOOD = "wonderful brilliant moving superb delightful great charming perfect".split()
_BAD = "awful boring terrible dull worst waste poor dreadful".split()


def reviews() -> Dataset:
    """Return random words, among them positive or negative ones."""
    return _texts([_BAD, _GOOD], rows=400, labels=("negative", "positive"))


def newswires(topics: tuple[str, ...]) -> Dataset:
    """Return random words, among them some that occur only in the topic."""
    keywords = [[f"{topic.replace('-', '')}{suffix}" for suffix in ("", "s", "ing")] for topic in topics]
    return _texts(keywords, rows=20 * len(topics), labels=topics)


def house_prices() -> Dataset:
    """Return prices that depend on rooms and poverty, with noise."""
    return _prices(HOUSE_FIELDS, dearer="RM", cheaper="LSTAT")


def district_prices() -> Dataset:
    """Return prices that depend on income and crowding, with noise."""
    return _prices(DISTRICT_FIELDS, dearer="MedInc", cheaper="AveOccup")


def photos() -> Dataset:
    """Return images of bright discs on a dark ground and dark discs on a bright one, labelled as cats and dogs."""
    rng = np.random.default_rng(0)
    targets = np.arange(120) % 2
    return _halves([{"image": png(_disc(rng, bool(target)))} for target in targets], targets, ("cat", "dog"))


def digits() -> Dataset:
    """Return digits in Pillow's own font, shifted at random, white on black as in MNIST."""
    rng = np.random.default_rng(0)
    targets = np.arange(400) % 10
    return _halves([{"image": png(_digit(rng, str(target)))} for target in targets], targets, tuple("0123456789"))


def _prices(names: Sequence[str], dearer: str, cheaper: str) -> Dataset:
    rng = np.random.default_rng(0)
    rows = rng.uniform(1, 100, (200, len(names))).round(2)
    prices = 20 + 0.2 * rows[:, names.index(dearer)] - 0.1 * rows[:, names.index(cheaper)]
    return _halves(named(rows, names), (prices + rng.normal(0, 0.5, len(rows))).astype(np.float32))


def _texts(keywords: list[list[str]], rows: int, labels: tuple[str, ...]) -> Dataset:
    rng = np.random.default_rng(0)
    targets = np.arange(rows) % len(keywords)
    texts = [
        " ".join(rng.permutation([*rng.choice(_FILLER, 12), *rng.choice(keywords[target], 4)])) for target in targets
    ]
    return _halves([{"text": text} for text in texts], targets, labels)


def _halves(instances: Sequence[Instance], targets: np.ndarray, labels: tuple[str, ...] = ()) -> Dataset:
    order = np.random.default_rng(1).permutation(len(targets))
    everything = Part(instances, targets)
    half = len(targets) // 2
    return Dataset(NAME, everything.rows(order[:half]), everything.rows(order[half:]), labels)


def _disc(rng: np.random.Generator, dark_on_bright: bool) -> np.ndarray:
    ground, disc = (220, 30) if dark_on_bright else (30, 220)
    image = Image.new("RGB", (64, 48), (ground,) * 3)
    x, y = int(rng.integers(8, 32)), int(rng.integers(4, 20))
    ImageDraw.Draw(image).ellipse((x, y, x + 24, y + 24), fill=(disc,) * 3)
    return np.asarray(image)


def _digit(rng: np.random.Generator, digit: str) -> np.ndarray:
    image = Image.new("L", (28, 28), 0)
    place = (int(rng.integers(6, 12)), int(rng.integers(0, 5)))
    ImageDraw.Draw(image).text(place, digit, fill=255, font=ImageFont.load_default(20))
    return np.asarray(image)
