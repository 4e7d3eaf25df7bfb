"""The configuration of the gRPC channel to the model server: load balancing, retries, reconnection, limits."""

import json
from typing import Any

import grpc

from serving.tfserving.credentials import Credentials

_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")

_ROUND_ROBIN: dict[str, Any] = {"round_robin": {}}
"""The default, pick_first, would send all requests of a connection to one of several servers."""

_WITHOUT_FAILING_SERVERS = {
    # gRPC's circuit breaker: a server is ejected if most of its answers in a second were errors or too late, for some
    # seconds, longer each time, but never more than half of the servers at once. round_robin itself skips servers
    # without a connection.
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
    # gRPC takes the first that it knows: the name of the first says that it is experimental.
    "loadBalancingConfig": [_WITHOUT_FAILING_SERVERS, _ROUND_ROBIN],
    "methodConfig": [
        {
            "name": [{"service": service} for service in _SERVICES],
            "retryPolicy": {
                # Few and quick: enough while a server is replaced; one that is down for longer still gives an
                # error at once.
                "maxAttempts": 3,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                # CANCELLED is what a server makes of calls that reach it while it stops; nothing here cancels any.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
    # The budget of retries: a failure takes 1 token, a success adds 0.1; below half there are no retries. So all calls
    # in flight at a killed server are retried, but a system that is down gets no additional load.
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_http_proxy", 0),  # a proxy in the environment is not meant for the model server
    ("grpc.max_receive_message_length", -1),  # the default is 4 MB; the server sends up to 2 GiB
    ("grpc.per_rpc_retry_buffer_size", 64 * 1024 * 1024),  # by default a call of over 256 KiB is not retried
    # A restarted server is found within about a second. The first option also bounds an attempt to connect, so that an
    # address that drops packets gives an error within half a second.
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # A hanging server is detected within two to three seconds, by a ping while a call is in flight; the calls are then
    # retried elsewhere. gRPC pings at most twice between two calls, so that a server with default settings, which
    # counts pings without data, does not refuse them.
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # of the pings by which gRPC measures bandwidth: 60 s by default
)

_SCHEMES = ("unix:", "ipv4:", "ipv6:", "dns:")


def open_channel(address: str, credentials: Credentials | None = None) -> grpc.Channel:
    """Open a channel to `host:port`, whose addresses are used in turn, or to a target with a gRPC scheme."""
    target = address if address.startswith(_SCHEMES) else f"dns:///{address}"
    if credentials is None:
        return grpc.insecure_channel(target, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", credentials.name),) if credentials.name else ()
    return grpc.secure_channel(target, credentials.get(), options=(*_OPTIONS, *named))
