"""How the declared file is written, for the contract: `plumbline score` reads files like it in the same way."""

from collections.abc import Mapping

from serving.contract import Reading
from training.declarations.declaration import Declaration, FieldPart
from training.declarations.files import CSV, suffix_of


def reading_of(declaration: Declaration, fields: Mapping[str, FieldPart]) -> Reading:
    """Return how the rows of the declared table are written."""
    data = declaration.data
    csv = {"separator": data.separator, "decimal": data.decimal, "encoding": data.encoding}
    return Reading(
        **(csv if suffix_of(declaration.path.parent / data.file) in CSV else {}),
        missing=data.na,
        dates=_given(fields, "date", "format"),
        delimiters=_given(fields, "tags", "delimiter"),
    )


def _given(fields: Mapping[str, FieldPart], kind: str, option: str) -> dict[str, str]:
    options = {name: part.options.get(option) for name, part in fields.items() if part.kind == kind}
    return {name: str(given) for name, given in options.items() if given}
