"""LitServe with its batching, one process for each model."""

import sys
from typing import Any

import litserve

from benchmarks.rivals.model import load_models


class Api(litserve.LitAPI):
    """One model."""

    def __init__(self, name: str) -> None:
        super().__init__(max_batch_size=32, batch_timeout=0.005, api_path=f"/predict/{name}")
        self._name = name

    def setup(self, device: str) -> None:
        """Load the model."""
        self._model = load_models()[self._name]

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON, which is the instance."""
        return request

    def batch(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the instances as they are, a list."""
        return inputs

    def predict(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer the instances of a batch."""
        return self._model.answers(instances)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return one answer for each request."""
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return the reply's JSON."""
        return {"predictions": [output]}


if __name__ == "__main__":
    server = litserve.LitServer([Api("sentiment"), Api("image")], accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
