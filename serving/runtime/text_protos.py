"""Files of text protos, the form of TensorFlow Serving's configuration."""

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from serving.runtime.errors import invalid_argument


def read_text_proto(path: Path, message: Any) -> Any:
    """Read the file into *message* and return it; raises ServingError if it can't be read or does not fit."""
    try:
        return text_format.Parse(path.read_text(), message)
    except text_format.ParseError as error:
        raise invalid_argument(f"Invalid protobuf file: '{path}': {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise invalid_argument(f"Can't read '{path}': {error}") from error
