"""KServe's Python server, with its V1 protocol."""

import sys
from typing import Any

import kserve

from benchmarks.rivals import model


class Served(kserve.Model):
    """One model."""

    def __init__(self, name: str, loaded: model.Model) -> None:
        super().__init__(name)
        self._model = loaded
        self.ready = True

    def predict(self, payload: dict[str, Any], headers: Any = None, response_headers: Any = None) -> dict[str, Any]:
        """Answer the instances."""
        return {"predictions": self._model.answers(payload["instances"])}


if __name__ == "__main__":
    served = [Served(name, loaded) for name, loaded in model.load_models().items()]
    kserve.ModelServer(http_port=int(sys.argv[1]), enable_grpc=False).start(served)
