"""Is a film review positive or negative? IMDB."""

from serving.contract import Labels
from training.datasets import imdb
from training.networks import BagOfWords
from training.ngrams import NGramBag
from training.preprocessing import text_vectorizer
from training.problems import BINARY
from training.protocols import HoldOut
from training.samples import reviews
from training.task import Task

TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=lambda data_dir: imdb(),
    load_sample=reviews,
    fit=text_vectorizer,
    protocol=HoldOut(0.4),
    recipes={"baseline": BagOfWords(epochs=4, batch_size=512), "best": NGramBag()},
    floor=0.87,
    regression_tolerance=0.005,
    sample_recipes={
        "baseline": BagOfWords(num_words=100, length=64, epochs=12, batch_size=16),
        "best": NGramBag(num_words=100, length=64, buckets=256, batch_size=16),
    },
)
