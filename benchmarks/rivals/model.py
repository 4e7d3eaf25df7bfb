"""What every rival serves: the SavedModels that Plumbline trained, with the contract's own preprocessing.

So all do the same work and return the same answers, and no rival suffers from slower preprocessing than ours.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from serving.contract import Contract

NAMES = ("sentiment", "image")


class Model:
    """A SavedModel with its contract, called in process."""

    def __init__(self, folder: Path) -> None:
        self._contract = Contract.from_json((folder / "assets.extra" / "contract.json").read_bytes())
        self._loaded = tf.saved_model.load(folder)
        self._run = self._loaded.signatures["serving_default"]

    def answers(self, instances: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the answer to each of *instances*, as Plumbline does."""
        features = self._contract.features(instances)
        outputs = self._run(**{name: tf.constant(array) for name, array in features.items()})
        return self._contract.answers.make({name: array.numpy() for name, array in outputs.items()})


def load_models() -> dict[str, Model]:
    """Load version 1 of each model in the folder BENCH_MODELS, with BENCH_INTRA_OP threads per operation."""
    tf.config.threading.set_intra_op_parallelism_threads(int(os.environ.get("BENCH_INTRA_OP", "0")))
    models = Path(os.environ["BENCH_MODELS"])
    return {name: Model(models / name / "1") for name in NAMES}


def main() -> None:
    """Answer `{"<model>": [instance, ...]}` from standard input: the rivals' answers are compared with these."""
    models = load_models()
    requests = json.load(sys.stdin)
    json.dump({name: models[name].answers(instances) for name, instances in requests.items()}, sys.stdout)


if __name__ == "__main__":
    main()
