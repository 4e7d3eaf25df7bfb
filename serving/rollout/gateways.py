"""Reads the counters of gateways at their own /metrics."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families

from serving.rollout.errors import NoEvidence
from serving.rollout.http_replies import get
from serving.rollout.readings import COUNTERS, GAUGES, Reading, Series

_NAMES = {*COUNTERS, *GAUGES}


class Gateways:
    """The gateways at *urls*, each of which is one gateway and not several behind one address."""

    looks_back = False

    def __init__(self, urls: Sequence[str], model: str) -> None:
        self._urls = tuple(urls)
        self._model = model

    def read(self, at: datetime | None = None) -> Reading:
        """Return what all gateways count now. Raise NoEvidence if one does not answer."""
        with ThreadPoolExecutor(min(32, len(self._urls))) as pool:
            return {series: value for each in pool.map(self._of, self._urls) for series, value in each.items()}

    def _of(self, url: str) -> Reading:
        try:
            families = list(text_string_to_metric_families(get(f"{url}/metrics").decode()))
        except ValueError as error:
            raise NoEvidence(f"{url}/metrics: expected metrics in Prometheus' text format: {error}") from error
        samples = [it for family in families for it in family.samples if it.labels.get("model") == self._model]
        if not samples:
            raise NoEvidence(f"{url}/metrics: expected the metrics of a gateway that serves {self._model}")
        return {Series.of(it.name, {**it.labels, "gateway": url}): it.value for it in samples if it.name in _NAMES}
