"""Is a film review positive or negative? IMDB."""

from serving.contract.heads import Labels
from training.data.datasets import imdb
from training.data.preprocessing import text_vectorizer
from training.data.samples import reviews
from training.networks.dense import BagOfWords
from training.networks.ngrams import NGramBag
from training.problem_types import BINARY
from training.task import Task
from training.validation import HoldOut

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
