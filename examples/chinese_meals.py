"""Was a meal good? Chinese sentences, without a space, where one character turns the meaning round.

    plumbline train chinese_meals --tasks examples
    python -m examples.chinese_meals          the baseline: tf-idf of characters and logistic regression

The sentences are made up here. 好吃 is good to eat, 不好吃 is not, and 不是不好吃 is not bad: the order of
the characters counts.
"""

import itertools
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from plumbline import BINARY, Dataset, HoldOut, Labels, Part, Recurrent, SequenceConvNet, Task, Text, record_fitter

PLACES = ("这家饭馆的", "昨天在北京吃的", "妈妈做的", "学校食堂的", "他们店里的")
DISHES = ("饺子", "牛肉面", "麻婆豆腐", "烤鸭", "炒青菜", "羊肉汤")
GOOD = ("好吃", "新鲜", "合我的口味", "值得再点", "够热")
DEGREES = (("很", 1), ("真的", 1), ("不", 0), ("一点也不", 0), ("不是不", 1), ("从来没有不", 1), ("算不上", 0))
ENDINGS = ("。", "，我和朋友都这么说。", "，服务员也很客气！", "，价钱倒是不贵。")


def meals(data_dir: Path | None = None) -> Dataset:
    """Make up sentences; those of the test have other combinations of parts."""
    parts = itertools.product(PLACES, DISHES, DEGREES, GOOD, ENDINGS)
    rows = [(place + dish + degree + good + end, target) for place, dish, (degree, target), good, end in parts]
    rows = [rows[row] for row in np.random.default_rng(1).permutation(len(rows))]
    return Dataset("Chinese meals", part(rows[:500]), part(rows[500:1000]), ("bad", "good"))


def sample() -> Dataset:
    """Take some of the sentences."""
    data = meals()
    return Dataset(data.name, data.train.rows(np.arange(200)), data.test.rows(np.arange(100)), data.labels)


def part(rows: list[tuple[str, int]]) -> Part:
    """Make instances and targets."""
    return Part([{"text": text} for text, _ in rows], np.array([good for _, good in rows]))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of a logistic regression over tf-idf on the test rows."""
    train, test = ([row["text"] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(TfidfVectorizer(analyzer="char"), LogisticRegression()).fit(train, data.train.targets)
    return {"logistic regression": model.predict_proba(test)[:, 1:]}


def baseline(data: Dataset) -> float:
    """Return its accuracy."""
    return float(BINARY.measure(data.test.targets, rivals(data)["logistic regression"]))


SHARED = {"units": (16,), "batch_size": 16, "rate": 0.01}

TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=meals,
    load_sample=sample,
    fit=record_fitter({"text": partial(Text.fit, tokenizer="characters")}),
    protocol=HoldOut(0.2),
    recipes={
        "recurrent": Recurrent(epochs=20, **SHARED),
        "convolutions": SequenceConvNet(convolutions=(32,), kernel=4, epochs=15, **SHARED),
    },
    sample_recipes={
        "recurrent": Recurrent(state=8, epochs=2, **SHARED),
        "convolutions": SequenceConvNet(convolutions=(16,), kernel=4, epochs=4, **SHARED),
    },
    floor=0.9,
    rivals=rivals,
)

if __name__ == "__main__":
    print(f"accuracy of the baseline: {baseline(meals()):.4f}")
