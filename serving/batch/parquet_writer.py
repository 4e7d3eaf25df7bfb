"""Answers -> Parquet: a row group for each part, as a rule."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files import files_of
from serving.batch.inputs import Inputs

_COMPRESSION = "zstd"
_ROW_GROUP_BYTES = 64 * 1024 * 1024
"""What passes through may be long; so much of it is held before it is written."""


@dataclass(frozen=True)
class ParquetWriter:
    """*types* is the Arrow schema of the columns *keep*, as `kept_types` packs it; if it is empty they are text."""

    keep: tuple[str, ...]
    types: str
    answer: tuple[str, ...]
    constants: tuple[str, int, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the output's columns."""
        return tuple(self._schema.names)

    @property
    def _schema(self) -> Any:
        arrow = extra("pyarrow", "Parquet")
        types = {
            "label": arrow.string(),
            "score": arrow.float64(),
            "scores": arrow.map_(arrow.string(), arrow.float64()),
            "value": arrow.float64(),
            "unit": arrow.string(),
        }
        return arrow.schema(
            [
                ("row_id", arrow.string()),
                *((name, self._type(name)) for name in self.keep),
                *((name, types[name]) for name in self.answer),
                ("model", arrow.string()),
                ("version", arrow.int64()),
                ("contract", arrow.string()),
            ]
        )

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> Any:
        """Make a record batch; raises BadInput if a value that passes through has another type than its column."""
        arrow = extra("pyarrow", "Parquet")
        plain = _text if not self.types else lambda value: value
        passing = [[plain(row[index]) for row in kept] for index in range(len(self.keep))]
        columns = [
            list(ids),
            *passing,
            *([_entries(answer[name]) for answer in answers] for name in self.answer),
            *([value] * len(ids) for value in self.constants),
        ]
        schema = self._schema
        try:
            arrays = [arrow.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
        except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
            raise BadInput(f"--keep: a value does not fit the type that the first file has there: {error}") from error
        return arrow.RecordBatch.from_arrays(arrays, schema=schema)

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

    def _type(self, name: str) -> Any:
        arrow = extra("pyarrow", "Parquet")
        if not self.types:
            return arrow.string()
        return arrow.ipc.read_schema(arrow.py_buffer(base64.b64decode(self.types))).field(name).type

    def _writer(self, file: BinaryIO) -> Any:
        return extra("pyarrow.parquet", "Parquet").ParquetWriter(file, self._schema, compression=_COMPRESSION)


def kept_types(keep: Sequence[str], inputs: Inputs) -> str:
    """Pack the types that the first input has for *keep*; empty if not all inputs have types. Raises BadInput."""
    if not keep or any(source.format != "parquet" for source in inputs.sources):
        return ""
    source = inputs.sources[0]
    with files_of(source.path).open(source.path) as file:
        schema = extra("pyarrow.parquet", "Parquet").read_schema(file)
    missing = [name for name in keep if name not in schema.names]
    if missing:
        raise BadInput(f"{source.name}: expected a column '{missing[0]}', got {', '.join(schema.names)}")
    kept = extra("pyarrow", "Parquet").schema([(name, schema.field(name).type) for name in keep])
    return base64.b64encode(kept.serialize().to_pybytes()).decode()


def _entries(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()
