"""The models folder: each model's versions in TensorFlow Serving's layout, and the safe ways to change them.

Training publishes versions; `plumbline models` lists and changes them. Readers take no lock, since versions appear and
disappear whole. Writers follow three rules:

* A version is made in `<models>/.staging`, synced to the disk, and renamed into place.
* A number is used once. TensorFlow Serving never loads a failed number again, and notices no change of a version that
  it has loaded; so promote and rollback publish a version's content under the next number.
* Numbers are assigned under one lock, and the highest is recorded, even after its folder was removed.
"""

from serving.registry.changes import Promotion, promote, prune, removable, rollback
from serving.registry.errors import MadeByLaterRelease, RegistryError
from serving.registry.publishing import publish
from serving.registry.versions import (
    SAMPLE,
    Version,
    is_sample,
    live_version,
    model_names,
    read_versions,
    replaced_version,
    scan,
)

__all__ = [
    "SAMPLE",
    "MadeByLaterRelease",
    "Promotion",
    "RegistryError",
    "Version",
    "is_sample",
    "live_version",
    "model_names",
    "promote",
    "prune",
    "publish",
    "read_versions",
    "removable",
    "replaced_version",
    "rollback",
    "scan",
]
