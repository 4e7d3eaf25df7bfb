"""A store: fsspec's in memory for what any store does, and a real S3 server for what only that can show."""

import uuid

import pytest

from tests.object_store import bucket, s3

__all__ = ["bucket", "s3"]


@pytest.fixture
def memory() -> str:
    return f"memory://{uuid.uuid4().hex}/models"
