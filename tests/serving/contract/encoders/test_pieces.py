"""An encoder that is fitted to a column in pieces, in any order, is the one that is fitted to the whole column."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from serving.contract.encoders import Category, Date, Number, NumberArray, Raw, Tags, Text

RNG = np.random.default_rng(1)
NUMBERS = [None if row % 7 == 3 else float(x) for row, x in enumerate(RNG.normal(size=50))]
WORDS = ["red", "green", "blue", "green"]


class Shuffled:
    """A column that comes in pieces, last rows first."""

    def __init__(self, values: list[Any], size: int = 4) -> None:
        self._values = values
        self._size = size

    def __len__(self) -> int:
        return len(self._values)

    def pieces(self) -> Iterator[tuple[np.ndarray, list[Any]]]:
        rows = np.arange(len(self))[::-1]
        for start in range(0, len(rows), self._size):
            own = rows[start : start + self._size]
            yield own, [self._values[row] for row in own]


@pytest.mark.parametrize(
    ("fit", "values", "options"),
    [
        *((Number.fit, NUMBERS, {"scale": scale}) for scale in ("none", "standard", "minmax", "log", "quantile")),
        (Number.fit, NUMBERS, {"missing": "median", "low": -1.0}),
        (Number.fit, np.array(NUMBERS, np.float64).tolist(), {}),
        (Category.fit, [*WORDS, None] * 5, {"least_count": 6}),
        (Tags.fit, [[word, WORDS[row % 3]] for row, word in enumerate(WORDS * 4)], {}),
        (Date.fit, [None, *(f"2026-{month:02}-17" for month in range(1, 13))], {}),
        (Text.fit, [f"so {word} it is {row % 3}" for row, word in enumerate(WORDS * 5)] + ["", None], {}),
        (Text.fit, [f"so {word}" for word in WORDS * 5], {"tokenizer": "keras"}),
        (NumberArray.fit, RNG.normal(size=(20, 3, 2)).tolist(), {}),
        (NumberArray.fit, [None, [1.0, None], [2.0, 5.0], [0.0, 3.0]], {}),
        (NumberArray.fit, [[], [1], [1, 2], [1, 2, 3, 4]], {"length": 3, "scale": "minmax"}),
        (Raw.fit, [["a", "b"]] * 9, {"dtype": "string"}),
    ],
)
def test_pieces_are_fitted_as_the_whole_is(fit, values, options):
    assert fit(Shuffled(values), **options).to_state() == fit(values, **options).to_state()


@pytest.mark.parametrize(
    ("fit", "values"),
    [
        (Number.fit, [1.0] * 20 + ["x"] + [2.0] * 9 + ["y"]),
        (Date.fit, ["2026-01-01"] * 20 + ["x"] + ["2026-01-02"] * 9 + ["y"]),
        (NumberArray.fit, [[1.0]] * 20 + [["x"]] + [[2.0]] * 9 + [[1, 2]]),
        (Text.fit, ["word"] * 20 + [5] + ["word"] * 9 + [True]),
        (Tags.fit, [["word"]] * 20 + [5] + [["word"]] * 9 + [True]),
    ],
)
def test_the_first_fault_is_told_by_its_row_whatever_piece_comes_first(fit, values):
    with pytest.raises(ValueError, match=r"^row 20: .*1 more like it") as whole:
        fit(values)
    with pytest.raises(ValueError, match=r"^row 20: ") as pieces:
        fit(Shuffled(values))
    assert str(pieces.value) == str(whole.value)


@pytest.mark.parametrize("scale", ["none", "standard", "minmax"])
def test_moments_of_blocks_are_put_together(monkeypatch, scale):
    values = [[[x, 100 * y], [x, None]] for x, y in RNG.normal(3, 2, (40, 2)).tolist()]
    whole = NumberArray.fit(values, scale=scale).to_state()
    monkeypatch.setattr("serving.contract.encoders.array.BLOCK", 12)
    blocks = NumberArray.fit(Shuffled(values), scale=scale).to_state()
    for name in ("means", "offsets", "divisors"):
        assert blocks[name] == pytest.approx(whole[name], rel=1e-12)
    for size in (1, 3, 7, 40):  # however they come, to the bit: a job in memory has other pieces
        assert NumberArray.fit(Shuffled(values, size), scale=scale).to_state() == blocks


def test_a_channel_without_a_number_in_any_block_is_refused(monkeypatch):
    monkeypatch.setattr("serving.contract.encoders.array.BLOCK", 1)
    with pytest.raises(ValueError, match="none in channel 1"):
        NumberArray.fit(Shuffled([[[1.0, None]]] * 9))
    assert NumberArray.fit(Shuffled([*[[[1.0, None]]] * 9, [[1.0, 5.0]]])).channels.means == (1.0, 5.0)
