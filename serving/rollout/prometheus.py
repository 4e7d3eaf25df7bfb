"""Asks a Prometheus for the counters of gateways. These are all queries that decide of a canary."""

import json
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from serving.rollout.errors import NoEvidence
from serving.rollout.http_replies import get
from serving.rollout.readings import COUNTERS, GAUGES, Reading, Series

_COUNTED = '{{__name__=~"{names}", model="{model}"{more}}}'
_SCRAPED = "max(timestamp(plumbline_gateway_workers{{{more}}}))"
_FRESH = timedelta(seconds=150)
"""How old the newest scrape may be: over two of the usual minute."""


class Prometheus:
    """The Prometheus at *url*. *labels* choose the gateways, if it scrapes others too."""

    looks_back = True

    def __init__(self, url: str, model: str, labels: Mapping[str, str]) -> None:
        self._url = url
        self._model = model
        chosen = "".join(f", {name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
        self._counted = _COUNTED.format(names="|".join(COUNTERS + GAUGES), model=model, more=chosen)
        self._scraped = _SCRAPED.format(more=chosen.removeprefix(", "))

    def read(self, at: datetime | None = None) -> Reading:
        """Return what was counted then, or now. Raise NoEvidence, also if the last scrape was long before."""
        moment = at or datetime.now(UTC)
        newest = [value for _, value in self._ask(self._scraped, moment)]
        if not newest or moment.timestamp() - newest[0] > _FRESH.total_seconds():
            raise NoEvidence(f"{self._url} has not scraped a gateway for {_FRESH.total_seconds():.0f} s")
        found = self._ask(self._counted, moment)
        if not found:
            raise NoEvidence(f"{self._url} knows no gateway that serves {self._model}")
        return {Series.of(labels.pop("__name__"), labels): value for labels, value in found}

    def _ask(self, query: str, at: datetime) -> list[tuple[dict[str, str], float]]:
        parameters = urllib.parse.urlencode({"query": query, "time": at.timestamp()})
        body = get(f"{self._url}/api/v1/query?{parameters}")
        try:
            result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
            return [(dict(each["metric"]), float(each["value"][1])) for each in result]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise NoEvidence(f"{self._url} does not answer as a Prometheus does: {error!r:.200}") from error
