"""Copies of models: whole versions, between models folders and object stores, checked by their digests.

A store has no renaming and no locks. So the files of a version are written first, below `<model>/<number>/`, and then
one small object, the record of the model, says that the version is there and what its files' digests are. A record is
never changed: the next one is created under the next number, which a store grants to one writer only. Readers take the
newest record, and check every file that they fetch.
"""

from serving.model_store.copying import Copied, copy
from serving.model_store.errors import StoreError, UnusableAddress
from serving.model_store.folder import FolderPlace
from serving.model_store.place import Place, Pruned
from serving.model_store.store import StorePlace

__all__ = ["Copied", "Place", "Pruned", "StoreError", "UnusableAddress", "copy", "place_of"]


def place_of(path: str) -> Place:
    """Return the models folder or, if *path* is a URL such as s3://bucket/models, the store. Raises UnusableAddress."""
    return StorePlace.of(path) if "://" in path else FolderPlace.of(path)
