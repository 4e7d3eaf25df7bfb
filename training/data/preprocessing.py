"""How each kind of preprocessor is fitted for a recipe, on training instances only."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.contract import ImageResizer, TabularScaler, TextVectorizer
from serving.errors import InvalidField
from training.data.datasets import Dataset, Instance
from training.data.features import decoded
from training.errors import BadRequest, UnusableData


def text_vectorizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> TextVectorizer:
    """Return a vectorizer with the data set's published word index, or else with the words of the training texts.

    Raises BadRequest, or UnusableData if a text is not a string.
    """
    _check_sizes(num_words=recipe.num_words, length=recipe.length)
    if data.word_ranks:
        return TextVectorizer.from_word_index(data.word_ranks, num_words=recipe.num_words, length=recipe.length)
    texts = [_text(row, instance) for row, instance in enumerate(instances)]
    return TextVectorizer.fit(texts, num_words=recipe.num_words, length=recipe.length)


def tabular_scaler(data: Dataset, instances: Sequence[Instance], recipe: Any) -> TabularScaler:
    """Return a scaler fitted to the training rows, without the fields that the recipe omits.

    Raises BadRequest, or UnusableData if a field is not a number.
    """
    if unknown := set(recipe.without) - set(instances[0]):
        raise BadRequest(f"without: unknown field {', '.join(sorted(unknown))}; available: {', '.join(instances[0])}")
    names = tuple(name for name in instances[0] if name not in recipe.without)
    if not names:
        raise BadRequest("without: no field remains")
    unscaled = TabularScaler(names, (0.0,) * len(names), (1.0,) * len(names))
    return TabularScaler.fit(np.array(decoded(unscaled, instances)), names)


def photo_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> ImageResizer:
    """Return a resizer for colour images, where transparency becomes white. Raises BadRequest."""
    _check_sizes(height=recipe.height, width=recipe.width)
    return ImageResizer(recipe.height, recipe.width)


def glyph_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> ImageResizer:
    """Return a resizer for grey images, where transparency becomes black, MNIST's background. Raises BadRequest."""
    _check_sizes(height=recipe.height, width=recipe.width)
    return ImageResizer(recipe.height, recipe.width, mode="L", background=0)


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise BadRequest(f"{name} must be at least 1, got {size}")


def _text(row: int, instance: Instance) -> str:
    text = instance.get("text")
    if not isinstance(text, str):
        raise UnusableData(row, InvalidField("text", "a string", text))
    return text
