"""Answers -> Parquet: usually one row group per part."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import orjson

from serving.batch.arrow.kept_rows import KeptRow, chosen
from serving.batch.arrow.parquet_files import open_parquet
from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files import files_of
from serving.batch.inputs.partitions import key_type
from serving.batch.inputs.source import Inputs, Source
from serving.batch.writers.writer import Layout

_COMPRESSION = "zstd"
_ROW_GROUP_BYTES = 64 * 1024 * 1024
"""Columns that pass through may be long; a row group is written once this much is held."""


class ParquetWriter(Layout):
    """Writes record batches. *types* is the packed schema of the columns *keep*; if it is empty, they are text."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the output's columns."""
        return tuple(self._schema.names)

    @property
    def made_by(self) -> str:
        """The release of pyarrow that makes the bytes."""
        return f"parquet by pyarrow {extra('pyarrow', 'Parquet').__version__}"

    @property
    def _schema(self) -> Any:
        arrow = extra("pyarrow", "Parquet")
        types = {
            "text": arrow.string(),
            "number": arrow.float64(),
            "texts": arrow.list_(arrow.string()),
            "numbers": arrow.list_(arrow.float64()),
            "scores": arrow.map_(arrow.string(), arrow.float64()),
            "reasons": arrow.list_(
                arrow.struct([("field", arrow.string()), ("part", arrow.string()), ("contribution", arrow.float64())])
            ),
        }
        return arrow.schema(
            [
                ("row_id", arrow.string()),
                *map(self._field, self.keep),
                *((name, types[kind]) for name, kind in self.answer),
                ("model", arrow.string()),
                ("version", arrow.int64()),
                ("contract", arrow.string()),
            ]
        )

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> Any:
        """Make a record batch; raises BadInput if a value that passes through has another type than its column."""
        arrow = extra("pyarrow", "Parquet")
        schema = self._schema
        answered = [
            *([_entries(answer[name]) for answer in answers] for name, _ in self.answer),
            *([value] * len(ids) for value in self.constants),
        ]
        arrays = [
            arrow.array(list(ids), schema.field(0).type),
            *self._passing(kept),
            *map(arrow.array, answered, schema.types[1 + len(self.keep) :]),
        ]
        return arrow.RecordBatch.from_arrays(arrays, schema=schema)

    def _passing(self, kept: Sequence[Sequence[Any]]) -> list[Any]:
        arrow = extra("pyarrow", "Parquet")
        if not self.types:
            return [arrow.array([_text(row[index]) for row in kept], arrow.string()) for index in range(len(self.keep))]
        fields = [self._field(name) for name in self.keep]
        rows = [row for row in kept if isinstance(row, KeptRow)]
        if not rows:
            return [arrow.nulls(0, field.type) for field in fields]
        return [_cast(column, field) for column, field in zip(chosen(rows).columns, fields, strict=True)]

    def write_part(self, pieces: Iterable[Any], file: BinaryIO) -> None:
        """Write a part as one row group, or more if it is large."""
        with self._writer(file) as writer:
            held: list[Any] = []
            for piece in pieces:
                held.append(piece)
                if sum(batch.nbytes for batch in held) > _ROW_GROUP_BYTES:
                    self._write(writer, held)
                    held = []
            self._write(writer, held)

    def write_output(self, parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Write the row groups of all parts."""
        parquet = extra("pyarrow.parquet", "Parquet")
        with self._writer(file) as writer:
            for part in parts:
                groups = parquet.ParquetFile(part)
                for group in range(groups.num_row_groups):
                    self._write(writer, groups.read_row_group(group).cast(self._schema).to_batches())

    def _write(self, writer: Any, batches: Sequence[Any]) -> None:
        table = extra("pyarrow", "Parquet").Table.from_batches(batches, self._schema)
        if table.num_rows:
            writer.write_table(table, row_group_size=table.num_rows)

    def _field(self, name: str) -> Any:
        arrow = extra("pyarrow", "Parquet")
        if not self.types:
            return arrow.field(name, arrow.string())
        return arrow.ipc.read_schema(arrow.py_buffer(base64.b64decode(self.types))).field(name)

    def _writer(self, file: BinaryIO) -> Any:
        return extra("pyarrow.parquet", "Parquet").ParquetWriter(file, self._schema, compression=_COMPRESSION)


def kept_types(keep: Sequence[str], inputs: Inputs) -> str:
    """Return the types of the columns *keep*, packed; empty unless all inputs are Parquet. Raises BadInput.

    The first input that has a type for a column decides: in a part of a table that has only nulls it has none.
    """
    if not keep or not inputs.sources or any(source.format != "parquet" for source in inputs.sources):
        return ""
    arrow = extra("pyarrow", "Parquet")
    fields: dict[str, Any] = {}
    for source in {source.name: source for source in inputs.sources}.values():
        schema = _schema(source, inputs)
        twice = [name for name in keep if schema.names.count(name) > 1]
        if twice:
            raise BadInput(f"{source.name}: the column '{twice[0]}' is listed twice")
        untyped = [name for name in keep if name not in fields or arrow.types.is_null(fields[name].type)]
        fields |= {name: _kept_field(schema.field(name)) for name in untyped if name in schema.names}
        missing = [name for name in keep if name not in fields]
        if missing:
            raise BadInput(f"{source.name}: expected a column '{missing[0]}', got {', '.join(schema.names)}")
        if not any(arrow.types.is_null(field.type) for field in fields.values()):
            break
    kept = arrow.schema([fields[name] for name in keep])
    return base64.b64encode(kept.serialize().to_pybytes()).decode()


def _schema(source: Source, inputs: Inputs) -> Any:
    """Read the schema of a file, and add the columns in its path."""
    with files_of(source.path).open(source.path) as file:
        schema = open_parquet(source.name, file).schema_arrow
    for name in source.keys:
        if name not in schema.names:
            values = [each.keys.get(name) for each in inputs.sources]
            schema = schema.append(extra("pyarrow", "Parquet").field(name, key_type(values)))
    return schema


def _kept_field(field: Any) -> Any:
    """Return the field with the metadata of its extension type, without what applies only to its own file."""
    metadata = {key: value for key, value in (field.metadata or {}).items() if key.startswith(b"ARROW:extension:")}
    return field.with_nullable(True).with_metadata(metadata or None)


def _cast(column: Any, field: Any) -> Any:
    arrow = extra("pyarrow", "Parquet")
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except arrow.ArrowException as error:
        raise BadInput(
            f"--keep {field.name}: a value does not fit the type that the first file has there: {error}"
        ) from error


def _entries(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()
