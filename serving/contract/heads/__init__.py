"""Heads: each reads one of the model's outputs and makes answers of it."""

from serving.contract.heads.head import Head
from serving.contract.heads.interval import Interval
from serving.contract.heads.labels import Labels
from serving.contract.heads.tags import TagSet
from serving.contract.heads.value import Value
from serving.contract.heads.values import Values
from serving.contract.heads.vector import Vector

HEADS: dict[str, type[Head]] = {it.kind: it for it in (Labels, TagSet, Value, Values, Interval, Vector)}
"""The kinds that every installation has, by the names that contracts have for them."""

__all__ = ["HEADS", "Head", "Interval", "Labels", "TagSet", "Value", "Values", "Vector"]
