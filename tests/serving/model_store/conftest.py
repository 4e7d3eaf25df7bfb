"""A store in memory, for what any store does; what only a real S3 server can show has tests/object_store.py's."""

import uuid

import pytest


@pytest.fixture
def memory() -> str:
    return f"memory://{uuid.uuid4().hex}/models"
