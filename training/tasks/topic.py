"""Which of 46 topics is a newswire about? Reuters."""

import keras

from serving.contract.heads import Labels
from training.data.datasets import reuters
from training.data.preprocessing import text_vectorizer
from training.data.samples import newswires
from training.networks.dense import BagOfWords
from training.networks.tfidf import TfIdfEnsemble
from training.problem_types import MULTICLASS
from training.task import Task
from training.validation import HoldOut

TASK = Task(
    problem=MULTICLASS,
    output=lambda data: Labels(data.labels, top=5),
    load=lambda data_dir: reuters(),
    load_sample=lambda: newswires(tuple(keras.datasets.reuters.get_label_names())),
    fit=text_vectorizer,
    protocol=HoldOut(1000 / 8982),
    recipes={
        "baseline": BagOfWords(units=(64, 64, 64), length=512, epochs=9, batch_size=256),
        "best": TfIdfEnsemble(),
    },
    floor=0.77,
    regression_tolerance=0.015,
    sample_recipes={
        "baseline": BagOfWords(num_words=300, length=64, units=(64, 64, 64), epochs=15, batch_size=16),
        "best": TfIdfEnsemble(num_words=300, length=64, members=2, units=32, epochs=5, batch_size=16, rate=1e-2),
    },
)
