"""How the gRPC channel to the model server behaves: balancing, retries, reconnection, limits."""

import json

import grpc

_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")

_SERVICE_CONFIG = {
    # With the default, pick_first, one connection would send all requests to one of many servers.
    "loadBalancingConfig": [{"round_robin": {}}],
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
    # When many calls fail, retries stop, so that they don't hold down a server that is coming up.
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_http_proxy", 0),  # a proxy in the environment is for the outside, not for the model server
    ("grpc.max_receive_message_length", -1),  # 4 MB by default, while the server sends up to 2 GiB
    # A server that comes back is found again within about a second. The first of these also bounds an attempt to
    # connect, so that an address which swallows packets gives an error within half a second.
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # Pings more often than every 300 s make a server with default settings close the connection.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 5_000),
)


def open_channel(address: str) -> grpc.Channel:
    """Open a channel to `host:port`, all of whose addresses are used in turn, or to a target with a gRPC scheme."""
    target = address if address.startswith(("unix:", "ipv4:", "ipv6:")) else f"dns:///{address}"
    return grpc.insecure_channel(target, options=_OPTIONS)
