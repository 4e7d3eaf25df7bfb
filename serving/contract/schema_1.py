"""Contracts of schema 1, which had one of three preprocessors and one of two outputs, in the words of schema 2."""

from collections.abc import Mapping
from typing import Any

from serving.contract.answers import SCORES
from serving.errors import ContractError

_TEXT, _IMAGE = ("text", "ids"), ("image", "image")
"""The only field of such a preprocessor, and the model's input."""


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document as schema 2 has it; raises ContractError for a kind that schema 1 did not have."""
    output = document["output"]
    if output["kind"] not in ("labels", "value"):
        raise ContractError(f"unknown output kind {output['kind']!r} in a contract of schema 1")
    parity = {**document["parity"], "examples": [_example(each) for each in document["parity"]["examples"]]}
    bounds = {"low": None, "high": None} if output["kind"] == "value" else {}
    heads = [{"name": "answer", "output": SCORES, **output, **bounds}]
    return {**document, **_record(document["preprocessor"]), "heads": heads, "parity": parity}


def _example(state: Mapping[str, Any]) -> dict[str, Any]:
    return {"instance": state["instance"], "features": state["features"], "outputs": {SCORES: state["scores"]}}


def _record(state: Mapping[str, Any]) -> dict[str, Any]:
    match state["kind"]:
        case "tabular":
            columns = zip(state["names"], state["means"], state["deviations"], strict=True)
            fields = [_number(name, mean, deviation, state["missing"]) for name, mean, deviation in columns]
            return {"fields": fields, "inputs": [{"name": "features", "fields": list(state["names"])}]}
        case "text":
            return _single(_TEXT, "text", _text(state))
        case "image":
            return _single(_IMAGE, "image", _image(state))
    raise ContractError(f"unknown preprocessor kind {state['kind']!r} in a contract of schema 1")


def _single(names: tuple[str, str], kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    field, tensor = names
    return {"fields": [{"name": field, "kind": kind, **state}], "inputs": [{"name": tensor, "fields": [field]}]}


def _number(name: str, mean: float, deviation: float, missing: str) -> dict[str, Any]:
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
