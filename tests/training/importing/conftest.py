from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from tests.training.importing.models import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(autouse=True)
def float32() -> Iterator[None]:
    """Forget the dtype policy that a test has set."""
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)
