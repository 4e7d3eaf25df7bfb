"""What is a German complaint about: train, staff or ticket? Umlauts, long words, and half of the test in CAPITALS.

    plumbline train german_complaints --tasks examples
    python -m examples.german_complaints      the baseline: tf-idf and logistic regression on the same rows

The sentences are made up here. To Unicode words, "GROSSE ERMÄSSIGUNG" is the same as "große Ermäßigung".
"""

import itertools
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from plumbline import MULTICLASS, Dataset, HoldOut, Labels, Mixed, Part, Task, Text, record_fitter

OPENINGS = ("Gestern in Köln", "Schon wieder", "Am Dienstag früh", "Auf der Fahrt nach Füssen", "Heute in Gießen")
THINGS = {
    "Zug": ("der Zug", "der Wagen", "die Klimaanlage", "die Heizung", "die Außentür"),
    "Personal": ("der Schaffner", "die Zugbegleiterin", "der Lokführer", "die Dame am Schalter"),
    "Fahrkarte": ("die Fahrkarte", "die Ermäßigung", "die Platzreservierung", "der Fahrschein", "die Buße"),
}
FAULTS = {
    "Zug": ("viel zu heiß", "völlig überfüllt", "außer Betrieb", "schmutzig", "fünf Stunden verspätet"),
    "Personal": ("unhöflich", "nicht zuständig", "nirgends zu finden", "völlig überfordert", "schmutzig"),
    "Fahrkarte": ("ungültig", "viel zu teuer", "nirgends zu finden", "außer Kraft", "falsch ausgestellt"),
}
ENDINGS = ("Das ist ein großes Ärgernis.", "Ich möchte mein Geld zurück!", "So geht es nicht.", "Schöne Grüße")


def complaints(data_dir: Path | None = None) -> Dataset:
    """Make up sentences; those of the test have other combinations of parts, every second in capitals."""
    rows = [
        (f"{opening} war {thing} {fault}. {ending}", number)
        for number, topic in enumerate(THINGS)
        for opening, thing, fault, ending in itertools.product(OPENINGS, THINGS[topic], FAULTS[topic], ENDINGS)
    ]
    rows = [rows[row] for row in np.random.default_rng(1).permutation(len(rows))]
    test = [(text.upper() if row % 2 else text, topic) for row, (text, topic) in enumerate(rows[400:800])]
    return Dataset("German complaints", part(rows[:400]), part(test), (*THINGS,))


def part(rows: list[tuple[str, int]]) -> Part:
    """Make instances and targets."""
    return Part([{"text": text} for text, _ in rows], np.array([topic for _, topic in rows]))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of a logistic regression over tf-idf on the test rows."""
    train, test = ([row["text"] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(train, data.train.targets)
    return {"logistic regression": model.predict_proba(test)}


def baseline(data: Dataset) -> float:
    """Return its accuracy."""
    return float(MULTICLASS.measure(data.test.targets, rivals(data)["logistic regression"]))


TASK = Task(
    problem=MULTICLASS,
    output=lambda data: Labels(data.labels, top=3),
    load=complaints,
    load_sample=complaints,
    fit=record_fitter({"text": Text.fit}),
    protocol=HoldOut(0.2),
    recipes={"baseline": Mixed(units=(32,), embedding=32, epochs=30, batch_size=16, rate=0.005)},
    sample_recipes={"baseline": Mixed(units=(16,), epochs=10, batch_size=16, rate=0.01)},
    floor=0.9,
    rivals=rivals,
)

if __name__ == "__main__":
    print(f"accuracy of the baseline: {baseline(complaints()):.4f}")
