"""Contracts of schema 1, which had one of three preprocessors and one of two outputs, in the words of schema 2."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from serving.contract import states
from serving.contract.answers import SCORES
from serving.contract.places import place
from serving.errors import InvalidContract

_TEXT, _IMAGE = ("text", "ids"), ("image", "image")
"""The only field of such a preprocessor, and the model's input."""


@contextmanager
def places(document: Mapping[str, Any]) -> Iterator[None]:
    """Raise InvalidContract for whatever is wrong in *document*, at its place there, not in what `upgraded` returns."""
    try:
        with place():
            yield
    except InvalidContract as error:
        raise InvalidContract(error.wrong, _place(error.path)) from error


def _place(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    match path:
        case ("heads", 0, *own):
            return ("output", *own)
        case ("fields" | "inputs", *_):
            return ("preprocessor", *(_NAMES.get(str(name), name) for name in path[2:] if name != "tokenizer"))
        case ("parity", "examples", number, "outputs", *own):
            return ("parity", "examples", number, *own)
    return path


_NAMES = {"colour": "mode"}


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document as schema 2 has it; raises ValueError, TypeError, KeyError or ContractError if it can't."""
    output = states.mapping(document, "output")
    with place("output"):
        states.choice(output, "kind", ("labels", "value"))
    preprocessor = states.mapping(document, "preprocessor")
    with place("preprocessor"):
        record = _record(preprocessor)
    with place("parity"):
        examples = [_example(each) for each in states.mappings(states.mapping(document, "parity"), "examples")]
    parity = {**document["parity"], "examples": examples}
    bounds = {"low": None, "high": None} if output["kind"] == "value" else {}
    heads = [{"name": "answer", "output": SCORES, **output, **bounds}]
    return {**document, "schema": 2, **record, "heads": heads, "parity": parity}


def _example(state: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: state[name] for name in ("instance", "features") if name in state}
    return {**given, "outputs": {SCORES: state.get("scores")}}


def _record(state: Mapping[str, Any]) -> dict[str, Any]:
    match states.choice(state, "kind", ("tabular", "text", "image")):
        case "tabular":
            names, means, deviations = (states.listed(state, name) for name in ("names", "means", "deviations"))
            columns = zip(names, means, deviations, strict=True)
            fields = [_number(name, mean, deviation, state.get("missing")) for name, mean, deviation in columns]
            return {"fields": fields, "inputs": [{"name": "features", "fields": names}]}
        case "text":
            return _single(_TEXT, "text", _text(state))
    return _single(_IMAGE, "image", _image(state))


def _single(names: tuple[str, str], kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    field, tensor = names
    return {"fields": [{"name": field, "kind": kind, **state}], "inputs": [{"name": tensor, "fields": [field]}]}


def _number(name: str, mean: float, deviation: float, missing: Any) -> dict[str, Any]:
    scaling = {"scale": "standard", "offset": mean, "divisor": deviation, "quantiles": []}
    own = {"missing": missing, "fill": mean, "flag": False, "low": None, "high": None}
    return {"name": name, "kind": "number", **scaling, **own}


def _text(state: Mapping[str, Any]) -> dict[str, Any]:
    """Contracts of before they said the splitting are of ASCII's."""
    words = {"num_words": state["num_words"], "splitting": state.get("splitting", "ascii"), "words": state["words"]}
    return {
        "length": state["length"],
        "keep": "beginning",
        "missing": "error",
        "tokenizer": {"kind": "keras", **words},
    }


def _image(state: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: state[name] for name in ("height", "width", "background", "max_pixels")}
    return {**own, "colour": state["mode"], "framing": "squeeze", "filter": "bilinear"}
