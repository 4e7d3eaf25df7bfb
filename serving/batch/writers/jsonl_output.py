"""Answers -> JSON lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from serving.batch.compression import compressed
from serving.batch.writers.text_output import TextOutput
from serving.batch.writers.writer import ROW_ID, TRAILING


class JsonlWriter(TextOutput):
    """One object per line."""

    made_by = "jsonl"

    def encode(self, ids: Sequence[str], kept: Sequence[Sequence[Any]], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Make lines."""
        constants = dict(zip(TRAILING, self.constants, strict=True))
        lines = [
            orjson.dumps(
                {ROW_ID: row_id, **dict(zip(self.keep, values, strict=True)), **answer, **constants},
                default=str,
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for row_id, values, answer in zip(ids, kept, answers, strict=True)
        ]
        return compressed(b"".join(lines), self.compression)
