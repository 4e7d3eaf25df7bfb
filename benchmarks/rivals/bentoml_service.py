"""BentoML with its adaptive batching."""

from typing import Any

import bentoml

from benchmarks.rivals.model import load_models


@bentoml.service(workers="cpu_count", traffic={"timeout": 30})
class Models:
    """Both models."""

    def __init__(self) -> None:
        self._models = load_models()

    @bentoml.api(route="/predict/sentiment", batchable=True, max_batch_size=64, max_latency_ms=10_000)
    def sentiment(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer reviews."""
        return self._models["sentiment"].answers(instances)

    @bentoml.api(route="/predict/image", batchable=True, max_batch_size=8, max_latency_ms=10_000)
    def image(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer images."""
        return self._models["image"].answers(instances)
