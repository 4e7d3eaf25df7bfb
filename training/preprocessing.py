"""How each kind of preprocessor is fitted by a recipe, on training instances only."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.contract import ImageResizer, TabularScaler, TextVectorizer
from training.datasets import Dataset, Instance
from training.errors import BadRequest


def text_vectorizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> TextVectorizer:
    """Take the data set's published word index, or the training texts' own words."""
    if data.word_ranks:
        return TextVectorizer.from_word_index(data.word_ranks, num_words=recipe.num_words, length=recipe.length)
    texts = [instance["text"] for instance in instances]
    return TextVectorizer.fit(texts, num_words=recipe.num_words, length=recipe.length)


def tabular_scaler(data: Dataset, instances: Sequence[Instance], recipe: Any) -> TabularScaler:
    """Standardise by the training rows, without the fields that the recipe leaves out; raises BadRequest."""
    if unknown := set(recipe.without) - set(instances[0]):
        raise BadRequest(f"without: no field {', '.join(sorted(unknown))}; there are {', '.join(instances[0])}")
    names = tuple(name for name in instances[0] if name not in recipe.without)
    if not names:
        raise BadRequest("without: no field is left")
    return TabularScaler.fit(np.array([[row[name] for name in names] for row in instances]), names)


def photo_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> ImageResizer:
    """Colour, transparency on white."""
    return ImageResizer(recipe.height, recipe.width)


def glyph_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> ImageResizer:
    """Grey, transparency on black: MNIST's digits are white on black."""
    return ImageResizer(recipe.height, recipe.width, mode="L", background=0)
