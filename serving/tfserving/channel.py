"""How the gRPC channel to the model server behaves: balancing, retries, reconnection, limits."""

import json
from typing import Any

import grpc

from serving.tfserving.credentials import Credentials

_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")

_ROUND_ROBIN: dict[str, Any] = {"round_robin": {}}
"""With the default, pick_first, one connection would send all requests to one of many servers."""

_WITHOUT_FAILING_SERVERS = {
    # gRPC's circuit breaker: a server most of whose answers in a second were errors or came too late is left out for
    # some seconds, longer each time, but never more than half of the servers at once. A server that does not even
    # keep a connection is left out by round_robin itself.
    "outlier_detection_experimental": {
        "interval": "1s",
        "baseEjectionTime": "5s",
        "maxEjectionTime": "30s",
        "maxEjectionPercent": 50,
        "failurePercentageEjection": {
            "threshold": 50,
            "enforcementPercentage": 100,
            "minimumHosts": 2,
            "requestVolume": 5,
        },
        "childPolicy": [_ROUND_ROBIN],
    }
}

_SERVICE_CONFIG = {
    # The first that gRPC knows: the name of the other says that it may change one day.
    "loadBalancingConfig": [_WITHOUT_FAILING_SERVERS, _ROUND_ROBIN],
    "methodConfig": [
        {
            "name": [{"service": service} for service in _SERVICES],
            "retryPolicy": {
                # Few and quick: enough to get past a server that is being replaced, while one that is gone for
                # longer still gives an error at once.
                "maxAttempts": 3,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # The budget of retries: each failure takes 1, each success gives 0.1 back, below half there are none. So all calls
    # in flight at a server that is killed are retried, but a system that is down gets no retries on top.
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_http_proxy", 0),  # a proxy in the environment is for the outside, not for the model server
    ("grpc.max_receive_message_length", -1),  # 4 MB by default, while the server sends up to 2 GiB
    ("grpc.per_rpc_retry_buffer_size", 64 * 1024 * 1024),  # by default a call of over 256 KiB is not retried
    # A server that comes back is found again within about a second. The first of these also bounds an attempt to
    # connect, so that an address which swallows packets gives an error within half a second.
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # A server that hangs is noticed after two to three seconds without a sign of life, by a ping while a call is in
    # flight; the calls are then retried elsewhere. gRPC pings at most twice between two calls, so that a server with
    # default settings, which counts pings without data, never finds them too many.
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # of the pings by which gRPC measures bandwidth: 60 s by default
)

_SCHEMES = ("unix:", "ipv4:", "ipv6:", "dns:")


def open_channel(address: str, credentials: Credentials | None = None) -> grpc.Channel:
    """Open a channel to `host:port`, all of whose addresses are used in turn, or to a target with a gRPC scheme."""
    target = address if address.startswith(_SCHEMES) else f"dns:///{address}"
    if credentials is None:
        return grpc.insecure_channel(target, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", credentials.name),) if credentials.name else ()
    return grpc.secure_channel(target, credentials.get(), options=(*_OPTIONS, *named))
