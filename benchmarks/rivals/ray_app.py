"""Ray Serve with two replicas."""

import sys
import time
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.rivals.model import load_models


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.5}, max_ongoing_requests=64)
class Models:
    """Both models."""

    def __init__(self) -> None:
        self._models = load_models()

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer one instance: JSON, or an image as the body."""
        is_json = request.headers["content-type"] == "application/json"
        instance = await request.json() if is_json else {"image": await request.body()}
        return {"predictions": self._models[request.url.path.rpartition("/")[2]].answers([instance])}


if __name__ == "__main__":
    ray.init(include_dashboard=False, num_cpus=2, object_store_memory=100 * 1024 * 1024)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Models.bind(), route_prefix="/predict")
    while True:
        time.sleep(1)
