"""The strongest reasons of an answer, as a row of the output has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from serving.explanation import Explained, Explanation

COLUMN = "reasons"
"""The output's column for them."""
MOST = 3
_MOST_CHARACTERS = 200

Reason = Mapping[str, Any]
"""`field`, `part` (what of it: words, its value, or a place in a picture) and `contribution`, signed."""


def reasons_of(explanation: Explanation) -> list[Reason]:
    """Return the strongest reasons, for the answer or against it, the strongest first; at most MOST."""
    return [
        {
            "field": part.field,
            "part": _cut(_part(part, explanation.parts)),
            "contribution": float(f"{part.contribution:.6g}"),
        }
        for part in explanation.strongest(MOST)
    ]


def as_text(reasons: Sequence[Reason] | None) -> str:
    """Return the reasons as a line for people: `text "dull" +0.31; rooms "4" -1.2`."""
    return "; ".join(
        f"{each['field']} {orjson.dumps(each['part']).decode()} {each['contribution']:+.3g}" for each in reasons or ()
    )


def _part(part: Explained, parts: Sequence[Explained]) -> str:
    place = part.place
    if "box" in place:
        boxes = [each.place["box"] for each in parts if each.field == part.field]
        return f"row {_rank(boxes, place['box'], 1)}, column {_rank(boxes, place['box'], 0)}"
    shown = place["text"] if "text" in place else place["value"]
    return shown if isinstance(shown, str) else orjson.dumps(shown, default=str).decode()


def _rank(boxes: Sequence[Sequence[int]], box: Sequence[int], side: int) -> str:
    starts = sorted({each[side] for each in boxes})
    return f"{starts.index(box[side]) + 1} of {len(starts)}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
