"""The models folder: the versions of each model as TensorFlow Serving reads them, and the safe ways to change them.

Training publishes through it, `plumbline models` lists and changes it. Whoever reads takes no lock, since a version
appears and disappears whole. Whoever writes follows three rules:

* A version is made aside, in `<models>/.staging`, written through to the disc, and renamed into place.
* A number is used once. TensorFlow Serving never loads a number again that has failed, and notices no change under
  one that it has loaded; so promoting and rolling back give a version's content the next number.
* Numbers are given out under one lock, and the highest is remembered even after its folder is gone.
"""

from serving.registry.changes import Promotion, promote, prune, removable, rollback
from serving.registry.errors import RegistryError
from serving.registry.publishing import publish
from serving.registry.versions import SAMPLE, Version, is_sample, live_version, model_names, read_versions, scan

__all__ = [
    "SAMPLE",
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
    "rollback",
    "scan",
]
