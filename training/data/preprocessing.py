"""How records are fitted for a recipe, on training instances only."""

from collections.abc import Sequence
from typing import Any

from serving.contract import Record
from serving.contract.encoders import Number, Picture, Text
from serving.contract.encoders.number import Missing
from serving.contract.encoders.scaling import Scaling
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.errors import Fault, shown
from training.data.datasets import Dataset, Instance
from training.data.features import read
from training.data.records import is_gap
from training.errors import BadRequest, UnusableData


def text_vectorizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
    """Return the record of the field `text`, by the data set's published word index or the words of the training texts.

    Raises BadRequest, or UnusableData if a text is not a string.
    """
    _check_sizes(num_words=recipe.num_words, length=recipe.length)
    if data.word_ranks:
        words = KerasWords.from_word_index(data.word_ranks, num_words=recipe.num_words)
    else:
        texts = [_text(row, instance) for row, instance in enumerate(instances)]
        words = KerasWords.fit(texts, num_words=recipe.num_words)
    return Record.single("text", Text(words, recipe.length), "ids")


def tabular_scaler(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
    """Return a record of numbers, standardised by the training rows, without the fields that the recipe omits.

    A number may be missing if one is in any training row of the data, absent, None or NaN; it then counts as the mean.
    Raises BadRequest, or UnusableData if a field is not a number.
    """
    if unknown := set(recipe.without) - set(instances[0]):
        raise BadRequest(f"without: unknown field {', '.join(sorted(unknown))}; available: {', '.join(instances[0])}")
    names = tuple(name for name in instances[0] if name not in recipe.without)
    if not names:
        raise BadRequest("without: no field remains")
    missing: dict[str, Missing] = {name: "mean" if _has_gap(data, name) else "error" for name in names}
    unscaled = Record.packed({name: Number(Scaling("none"), missing[name]) for name in names}, "features")
    read(unscaled, instances)
    fields = {name: Number.fit([each.get(name) for each in instances], missing=missing[name]) for name in names}
    return Record.packed(fields, "features")


def photo_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
    """Return the record of colour images, where transparency becomes white. Raises BadRequest."""
    _check_sizes(height=recipe.height, width=recipe.width)
    return Record.single("image", Picture(recipe.height, recipe.width, filter="drafted"), "image")


def glyph_resizer(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
    """Return the record of grey images, where transparency becomes black, MNIST's background. Raises BadRequest."""
    _check_sizes(height=recipe.height, width=recipe.width)
    return Record.single("image", Picture(recipe.height, recipe.width, colour="L", background=0), "image")


def _has_gap(data: Dataset, name: str) -> bool:
    return any(is_gap(each.get(name)) for each in data.train.instances)


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise BadRequest(f"{name} must be at least 1, got {size}")


def _text(row: int, instance: Instance) -> str:
    text = instance.get("text")
    if not isinstance(text, str):
        raise UnusableData(row, [Fault(row, ("text",), "a string", shown(text))])
    return text
