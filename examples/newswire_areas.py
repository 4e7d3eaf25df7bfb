"""Which areas does a newswire belong to? Reuters, with several tags a wire: those of its topic.

    plumbline train newswire_areas --tasks examples
    python -m examples.newswire_areas         the baseline: tf-idf and a logistic regression a tag, on the same rows

`keras.datasets.reuters` has one of 46 topics for each wire, though Reuters itself gave some wires several. AREAS sorts
the topics into areas that overlap (gold is a metal, and precious), and a wire's tags are all the areas of its topic:
real wires and real topics, but tags of our own that follow from the topic.
"""

from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from plumbline import MULTILABEL, BagOfWords, Dataset, HoldOut, Part, TagSet, Task, reuters, text_vectorizer

AREAS = {
    "companies": "earn acq",
    "crops": "cocoa grain veg-oil wheat coffee sugar cotton meal-feed oilseed rubber orange",
    "food": "cocoa grain veg-oil wheat coffee sugar meal-feed oilseed orange carcass livestock hog",
    "animals": "carcass livestock hog",
    "metals": "copper alum gold tin strategic-metal iron-steel zinc silver lead",
    "precious": "gold silver",
    "energy": "crude nat-gas heat gas pet-chem",
    "industry": "copper alum tin strategic-metal iron-steel zinc lead rubber cotton pet-chem ipi",
    "economy": "housing trade reserves cpi gnp retail ipi jobs lei bop wpi",
    "prices": "cpi wpi",
    "money": "money-supply reserves money-fx interest dlr bop",
    "transport and trade": "ship trade bop",
}


def tags(topics: list[str]) -> np.ndarray:
    """Return a row of 0 and 1 for each topic, with a column for each area."""
    return np.array([[topic in area.split() for area in AREAS.values()] for topic in topics], np.int64)


def wires(data_dir: Path | None = None) -> Dataset:
    """Load the wires with the tags of their topics."""
    data = reuters()
    of_topic = tags([*data.labels])
    train, test = (Part(part.instances, of_topic[part.targets]) for part in (data.train, data.test))
    return Dataset("reuters areas", train, test, (*AREAS,), data.word_ranks)


def sample() -> Dataset:
    """Make up wires of a few words, which need no download."""
    topics = sorted({topic for area in AREAS.values() for topic in area.split()})
    texts = [
        f"{verb} {topic} {end}" for topic in topics for verb in ("more", "less") for end in ("this week", "in may")
    ]
    rows = Part([{"text": text} for text in texts], tags([topic for topic in topics for _ in range(4)]))
    test = np.arange(len(texts)) % 4 == 0
    return Dataset("made up", rows.rows(np.flatnonzero(~test)), rows.rows(np.flatnonzero(test)), (*AREAS,))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of logistic regressions over tf-idf on the test rows."""
    train, test = ([row["text"] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression())).fit(train, data.train.targets)
    return {"logistic regressions": model.predict_proba(test)}


def baseline(data: Dataset) -> float:
    """Return their macro-F1, of tags that score 0.5 or more."""
    return float(MULTILABEL.measure(data.test.targets, rivals(data)["logistic regressions"]))


TASK = Task(
    problem=MULTILABEL,
    output=lambda data: TagSet(data.labels, thresholds=(0.5,) * len(data.labels)),  # training chooses better ones
    load=wires,
    load_sample=sample,
    fit=text_vectorizer,
    protocol=HoldOut(1000 / 8982),
    rivals=rivals,
    recipes={"baseline": BagOfWords(units=(64, 64), length=512, epochs=9, batch_size=256)},
    sample_recipes={"baseline": BagOfWords(num_words=100, length=16, units=(32,), epochs=40, batch_size=16)},
)

if __name__ == "__main__":
    print(f"macro-F1 of the baseline: {baseline(wires()):.4f}")
