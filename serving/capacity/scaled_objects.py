"""Reads the rules of an autoscaler from KEDA's ScaledObject of the gateways."""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from serving.capacity.autoscaler import Autoscaler, Behaviour, Figure, Policy, Target
from serving.capacity.errors import NoAutoscaler

_QUERIES = (
    (r"sum\(plumbline_gateway_in_flight_requests\{[^}]*\}\)", Figure.IN_FLIGHT),
    (r"sum\(rate\(container_cpu_usage_seconds_total\{[^}]*\}\[(?P<minutes>\d)m\]\)\)", Figure.PROCESSORS),
)
_SCRAPED_LATER_SECONDS = 30
"""An interval of scraping, at most; and that of the autoscaler's own is counted by itself."""


def rules_of(document: Any) -> Autoscaler:
    """Return the rules of a ScaledObject. Raises NoAutoscaler."""
    try:
        if document["kind"] != "ScaledObject":
            raise NoAutoscaler(f"expected the kind ScaledObject, got {document['kind']!r}")
        spec = document["spec"]
        behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        return Autoscaler(
            least=_positive(spec["minReplicaCount"]),
            most=_positive(spec["maxReplicaCount"]),
            targets=tuple(_target(trigger) for trigger in spec["triggers"]),
            up=_behaviour(behaviour["scaleUp"]),
            down=_behaviour(behaviour["scaleDown"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoAutoscaler(f"expected a ScaledObject like that of k8s/components/autoscaling: {error!r}") from error


def _target(trigger: Mapping[str, Any]) -> Target:
    query = trigger["metadata"]["query"]
    for pattern, figure in _QUERIES:
        if found := re.fullmatch(pattern, query):
            averaged_seconds = 30 * int(found.groupdict().get("minutes", 0))  # half of the time that a rate is of
            average = float(trigger["metadata"]["threshold"])
            if not 0 < average < inf:
                raise ValueError(f"threshold {average}")
            return Target(figure, average, _SCRAPED_LATER_SECONDS + averaged_seconds)
    raise NoAutoscaler(
        f"the query {query!r} is unknown; expected the sum of plumbline_gateway_in_flight_requests or of the rate of "
        "container_cpu_usage_seconds_total"
    )


def _behaviour(described: Mapping[str, Any]) -> Behaviour:
    policies = tuple(_policy(policy) for policy in described["policies"])
    return Behaviour(int(described["stabilizationWindowSeconds"]), policies)


def _policy(described: Mapping[str, Any]) -> Policy:
    value, seconds = _positive(described["value"]), _positive(described["periodSeconds"])
    return Policy(seconds, pods=value) if described["type"] == "Pods" else Policy(seconds, percent=value)


def _positive(value: Any) -> int:
    if int(value) < 1:
        raise ValueError(f"expected at least 1, got {value}")
    return int(value)
