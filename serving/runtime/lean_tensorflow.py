"""The package `tensorflow` without its imports: serving needs only its protobuf messages and its library.

`import tensorflow` loads tf.data, Keras and more: 1,600 modules, a second of the start and 115 MB.
"""

import sys
from importlib.util import find_spec, module_from_spec


def skip_public_api() -> None:
    """Keep the package `tensorflow` empty in this process; its inner modules can still be imported.

    For processes that only serve. If TensorFlow is imported already, nothing changes.
    """
    spec = None if "tensorflow" in sys.modules else find_spec("tensorflow")
    if spec:
        sys.modules["tensorflow"] = module_from_spec(spec)  # not executed: it is the execution that loads the API
