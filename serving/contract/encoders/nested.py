"""Nested lists of a shape: their elements in order, their schema, and what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from serving.contract import states
from serving.contract.faults import Faults, shown

MOST_ELEMENTS = 1_000_000
MOST_AXES = 6

Sizes = tuple[int | None, ...]
"""How many items the lists of each level have; None where any number may be there."""
Element = Callable[..., Any]
"""Reads one element: its row, value, faults, and the path within the row's value."""


def elements_of(values: Sequence[Any], sizes: Sizes) -> list[Any] | None:
    """Return the elements of *values* in order, or None if any of them is no list of its size."""
    elements = list(values)
    for size in sizes:
        if not set(map(type, elements)) <= {list}:
            return None
        if size is not None and not set(map(len, elements)) <= {size}:
            return None
        elements = list(chain.from_iterable(elements))
    return elements


def read_elements(row: int, value: Any, sizes: Sizes, faults: Faults, element: Element, *path: int) -> Iterator[Any]:
    """Read the elements of one value in order by *element*; every list that has not its size is a fault."""
    if not sizes:
        yield element(row, value, faults, *path)
    elif not isinstance(value, list):
        faults.add(row, _words(sizes[0]), shown(value), *path)
    elif sizes[0] is not None and len(value) != sizes[0]:
        faults.add(row, _words(sizes[0]), f"{len(value):,}", *path)
    else:
        for place, item in enumerate(value):
            yield from read_elements(row, item, sizes[1:], faults, element, *path, place)


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of a nested list, as far as its first items tell; raises ValueError for too many axes."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
        if len(shape) > MOST_AXES:
            raise ValueError(f"expected at most {MOST_AXES} axes, got more")
    return tuple(shape)


def nested_schema(sizes: Sizes, element: dict[str, Any], longest: int = MOST_ELEMENTS) -> dict[str, Any]:
    """Return the JSON schema of nested lists of *element*; a list of any size has at most *longest* items."""
    schema = element
    for size in reversed(sizes):
        bounds = {"maxItems": longest} if size is None else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema, **bounds}
    return schema


def check_shape(shape: Sequence[int]) -> None:
    """Raise ValueError for a shape of too many axes or elements, or with an axis of none."""
    count = 1
    for size in shape:
        count *= size
    if len(shape) > MOST_AXES or not all(size > 0 for size in shape) or count > MOST_ELEMENTS:
        raise states.Misfit(
            "shape",
            f"expected up to {MOST_AXES} axes, none of them empty, of {MOST_ELEMENTS:,} elements together, "
            f"got {list(shape)}",
        )


def _words(size: int | None) -> str:
    return "a list" if size is None else f"a list of {size:,} items"
