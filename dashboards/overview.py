"""The first dashboard to open: is it up, is it well, is it fast, has it room, what answers."""

from dashboards.panels import board, layers, lines, mean, model, number, quantile, section

_MODEL = 'model=~"$model"'
_REQUESTS = f"plumbline_gateway_requests_total{{{_MODEL}}}"
_FAILED = f'plumbline_gateway_requests_total{{{_MODEL}, code=~"5.."}}'

BOARD = board(
    "plumbline-overview",
    "Overview",
    "Traffic, errors, latency by stage, saturation and versions of the gateways.",
    [model(several=True)],
)

section(
    BOARD,
    "Now",
    number(
        "Requests", "Predict requests a second.", "reqps", (f"sum(rate({_REQUESTS}[$__rate_interval]))", "requests")
    ),
    number(
        "Failing",
        "The share of requests that end with a 5xx. Budget: 0.1 % of a month; at 1.44 % it is gone in two days.",
        "percentunit",
        (
            f"(sum(rate({_FAILED}[$__rate_interval])) or vector(0)) / sum(rate({_REQUESTS}[$__rate_interval]))",
            "failing",
        ),
        warn=0.001,
        alarm=0.0144,
    ),
    number(
        "95 % within",
        "The time in the gateway that 95 % of requests stay below. Objective: 99 % within 0.5 s.",
        "s",
        (
            f"histogram_quantile(0.95, sum by (le) (rate(plumbline_gateway_request_seconds_bucket{{{_MODEL}}}"
            "[$__rate_interval])))",
            "95 %",
        ),
        warn=0.25,
        alarm=0.5,
    ),
    number(
        "Models not ready",
        "Models that at least one worker has no version of.",
        "short",
        (f"count(min by (model) (plumbline_gateway_model_ready{{{_MODEL}}}) == 0) or vector(0)", "not ready"),
        alarm=1,
    ),
    number(
        "Refused",
        "The share of requests that are refused with 429 because the queue is full.",
        "percentunit",
        (
            f"(sum(rate(plumbline_gateway_shed_requests_total{{{_MODEL}}}[$__rate_interval])) or vector(0))"
            f" / sum(rate({_REQUESTS}[$__rate_interval]))",
            "refused",
        ),
        warn=0.001,
        alarm=0.01,
    ),
    number("Workers", "The gateways' processes.", "short", ("sum(plumbline_gateway_workers)", "workers")),
)

section(
    BOARD,
    "Traffic and errors",
    layers(
        "Requests by model",
        "Predict requests a second; `unknown` are requests for models that are not configured.",
        "reqps",
        (f"sum by (model) (rate({_REQUESTS}[$__rate_interval]))", "{{model}}"),
    ),
    layers(
        "Requests by status",
        "4xx are the callers' mistakes, but for 429: too many requests. 5xx are ours.",
        "reqps",
        (f"sum by (code) (rate({_REQUESTS}[$__rate_interval]))", "{{code}}"),
        colors={"^2": "green", "^4": "yellow", "^429": "orange", "^5": "red"},
    ),
    lines(
        "Share of requests that fail",
        "With a 5xx, over five minutes. Over the dashed line for long enough, somebody is called.",
        "percentunit",
        (f"model:plumbline_gateway_request_errors:ratio_rate5m{{{_MODEL}}}", "{{model}}"),
        limit=0.0144,
    ),
)

section(
    BOARD,
    "Latency",
    lines(
        "95 % of requests within",
        "Time in the gateway, from a request's first byte to its answer, by model.",
        "s",
        (quantile(0.95, "plumbline_gateway_request_seconds", "model", _MODEL), "{{model}}"),
        limit=0.5,
    ),
    layers(
        "Where the time goes",
        "The mean time of an answered request's stages: waiting in the queue, decoding the body, raw to features, the "
        "model's answer, scores to answer.",
        "s",
        # Until 0.2 gateways expose the stage `predict` under its former name `rpc` too.
        (mean("plumbline_gateway_stage_seconds", "stage", f'{_MODEL}, stage!="rpc"'), "{{stage}}"),
    ),
    lines(
        "Share of requests slower than 0.5 s",
        "Of those that a version took part in, over five minutes. Over the dashed line for long enough, somebody is "
        "called.",
        "percentunit",
        (f"model:plumbline_gateway_slow_requests:ratio_rate5m{{{_MODEL}}}", "{{model}}"),
        limit=0.144,
    ),
)

section(
    BOARD,
    "Saturation",
    lines(
        "Requests in flight",
        "Being answered now, and the part of them that waits in the queue.",
        "short",
        ("sum(plumbline_gateway_in_flight_requests)", "in flight"),
        (f"sum by (model) (plumbline_gateway_queued_requests{{{_MODEL}}})", "{{model}} queued"),
    ),
    lines(
        "Requests refused",
        "With 429, since MAX_QUEUE requests for that model waited already.",
        "reqps",
        (f"sum by (model) (rate(plumbline_gateway_shed_requests_total{{{_MODEL}}}[$__rate_interval]))", "{{model}}"),
    ),
    lines(
        "Connections",
        "By what they do. `answering` beyond the number of threads waits for one.",
        "short",
        ("sum by (state) (plumbline_gateway_connections)", "{{state}}"),
    ),
    lines(
        "Connections refused",
        "Too slow, malformed, too large or too many: they were closed before the application saw a request.",
        "reqps",
        ("sum by (code) (rate(plumbline_gateway_connections_refused_total[$__rate_interval]))", "{{code}}"),
    ),
    lines(
        "Merging",
        "Requests that share a call to the model server, and instances of a call, on average. More under load.",
        "short",
        (mean("plumbline_gateway_batch_requests", "", _MODEL), "requests"),
        (mean("plumbline_gateway_batch_instances", "", _MODEL), "instances"),
    ),
)

section(
    BOARD,
    "Model server, as the gateways see it",
    layers(
        "Calls by gRPC status",
        "All calls: predictions, and the questions for versions that each gateway asks every second.",
        "reqps",
        (f"sum by (code) (rate(plumbline_gateway_rpcs_total{{{_MODEL}}}[$__rate_interval]))", "{{code}}"),
        colors={"^OK$": "green", "^(UNAVAILABLE|DEADLINE_EXCEEDED)$": "red"},
    ),
    lines(
        "95 % of calls within",
        "With gRPC's own retries, by method.",
        "s",
        (quantile(0.95, "plumbline_gateway_rpc_seconds", "method", _MODEL), "{{method}}"),
    ),
    lines(
        "Calls made again",
        "`version_gone`: with another version; `apart`: the server refused a merged call. gRPC's own are not seen.",
        "reqps",
        (
            f"sum by (reason) (rate(plumbline_gateway_rpc_retries_total{{{_MODEL}}}[$__rate_interval]))",
            "{{reason}}",
        ),
    ),
)

section(
    BOARD,
    "Versions and processes",
    lines(
        "Versions",
        "The version that answers everywhere, and beside it the newest that should, while it does not. After 15 "
        "minutes there is an alert.",
        "none",
        (f"min by (model) (plumbline_gateway_live_version{{{_MODEL}}})", "{{model}}"),
        (
            f"max by (model) (plumbline_gateway_desired_version{{{_MODEL}}}) != "
            f"min by (model) (plumbline_gateway_live_version{{{_MODEL}}})",
            "{{model}}: desired",
        ),
    ),
    lines(
        "Age of the live version",
        "Since it was trained.",
        "s",
        (f"time() - min by (model) (plumbline_gateway_contract_timestamp_seconds{{{_MODEL}}})", "{{model}}"),
    ),
    lines(
        "Workers started",
        "Within the last 15 minutes, by gateway. Over the dashed line they are dying.",
        "short",
        ("increase(plumbline_gateway_worker_starts_total[15m])", "{{instance}}"),
        limit=3,
    ),
    lines(
        "Time of a scrape",
        "How long a gateway takes to give its metrics, put together from its workers' files.",
        "s",
        ("max by (instance) (scrape_duration_seconds and on (instance) plumbline_gateway_workers)", "{{instance}}"),
    ),
)

section(
    BOARD,
    "Explanations",
    layers(
        "Requests to explain an answer",
        "By status. 429: a process makes one at a time and lets four wait.",
        "reqps",
        (f"sum by (code) (rate(plumbline_gateway_explain_requests_total{{{_MODEL}}}[$__rate_interval]))", "{{code}}"),
        colors={"^2": "green", "^4": "yellow", "^429": "orange", "^5": "red"},
    ),
    lines(
        "95 % of explanations within",
        "With their wait, by model.",
        "s",
        (quantile(0.95, "plumbline_gateway_explain_seconds", "model", _MODEL), "{{model}}"),
    ),
    lines(
        "Instances answered to explain others",
        "A second, by model. They take the model's time beside those of predictions.",
        "cps",
        (
            f"sum by (model) (rate(plumbline_gateway_explain_predictions_total{{{_MODEL}}}[$__rate_interval]))",
            "{{model}}",
        ),
    ),
)
