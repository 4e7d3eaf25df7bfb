"""Is a handwritten digit larger than a given number? A picture and a number, in two inputs of one model.

    plumbline train larger_digit --tasks examples
    python -m examples.larger_digit           the baseline: logistic regression on the same rows

The pictures are MNIST's, 20,000 for training and 5,000 for the test; the numbers are drawn by lot.
"""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from plumbline import BINARY, Dataset, HoldOut, Labels, Mixed, Number, Part, Picture, Task, mnist, png, record_fitter


def pairs(data_dir: Path | None = None) -> Dataset:
    """Load pictures, each with a number from 0 to 9; target 1 is a larger digit."""
    digits = mnist(data_dir)
    train, test = digits.train.rows(np.arange(20_000)), digits.test.rows(np.arange(5_000))
    return Dataset("MNIST and numbers", with_numbers(train), with_numbers(test), ("not larger", "larger"))


def sample() -> Dataset:
    """Take scikit-learn's digits, which need no download: 8x8 pixels."""
    table = load_digits()
    pixels = np.minimum(table.images * 16, 255).astype(np.uint8)
    digits = Part([{"image": png(image)} for image in pixels], table.target)
    train, test = digits.rows(np.arange(400)), digits.rows(np.arange(400, 500))
    return Dataset("digits and numbers", with_numbers(train), with_numbers(test), ("not larger", "larger"))


def with_numbers(digits: Part) -> Part:
    """Give each picture a number."""
    numbers = np.random.default_rng(1).integers(0, 10, len(digits.instances))
    pictures = [digit["image"] for digit in digits.instances]
    instances = [{"image": image, "number": number} for image, number in zip(pictures, numbers.tolist(), strict=True)]
    return Part(instances, (digits.targets > numbers).astype(np.int64))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of a logistic regression over pixels and number on the test rows."""
    train, test = (np.array([row(**each) for each in part.instances]) for part in (data.train, data.test))
    model = LogisticRegression(max_iter=100).fit(train, data.train.targets)
    return {"logistic regression": model.predict_proba(test)[:, 1:]}


def baseline(data: Dataset) -> float:
    """Return its accuracy."""
    return float(BINARY.measure(data.test.targets, rivals(data)["logistic regression"]))


def row(image: bytes, number: int) -> np.ndarray:
    """Return pixels and number side by side, each from 0 to 1."""
    return np.append(np.array(Image.open(io.BytesIO(image))).ravel() / 255, number / 9)


TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=pairs,
    load_sample=sample,
    fit=record_fitter({"image": Picture(28, 28, colour="L", background=0), "number": Number.fit}),
    protocol=HoldOut(0.2),
    recipes={"baseline": Mixed(units=(128, 64), filters=(32, 64), epochs=8, batch_size=64, dropout=0.3, rate=0.003)},
    sample_recipes={"baseline": Mixed(units=(32,), filters=(8, 8), epochs=6, batch_size=32, rate=0.005)},
    floor=0.95,
    rivals=rivals,
)

if __name__ == "__main__":
    folder = Path(os.environ.get("PLUMBLINE_DATA", "."))  # or Keras downloads MNIST
    print(f"accuracy of the baseline: {baseline(pairs(folder)):.4f}")
