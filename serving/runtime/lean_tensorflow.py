"""The package `tensorflow` without what it imports: to serve takes its protobuf messages and its library alone.

`import tensorflow` loads tf.data, Keras and more: 1,600 modules, a second of the start and 115 MB.
"""

import sys
from importlib.util import find_spec, module_from_spec


def skip_public_api() -> None:
    """Leave the package `tensorflow` empty in this process, but for its inner modules, which can still be imported.

    For a process that does nothing but serve; where TensorFlow is imported already it stays as it is.
    """
    spec = None if "tensorflow" in sys.modules else find_spec("tensorflow")
    if spec:
        sys.modules["tensorflow"] = module_from_spec(spec)  # not executed: it is the execution that loads the API
