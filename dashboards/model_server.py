"""TensorFlow Serving by its own metrics. Their names begin with a colon, and their times are microseconds."""

from dashboards.panels import board, layers, lines, mean, quantile, section, variable

_TFS = ":tensorflow:serving"
_BATCHING = f"{_TFS}:batching_session"
_NAME = 'model_name=~"$model_name"'
_STATES = 'plumbline_gateway_version_state{model=~"$model_name"}'

BOARD = board(
    "plumbline-model-server",
    "TensorFlow Serving",
    "The model servers by their own metrics: requests, time in the graph, batching, loading.",
    [variable("model_name", f"label_values({_TFS}:request_count, model_name)", "Model", several=True)],
)

section(
    BOARD,
    "Requests",
    layers(
        "Requests by status",
        "Predict, Classify and Regress over gRPC, and all of REST; a gateway's questions for versions are not counted.",
        "reqps",
        (f"sum by (status) (rate({_TFS}:request_count{{{_NAME}}}[$__rate_interval]))", "{{status}}"),
        colors={"^OK$": "green"},
    ),
    layers(
        "Requests by model",
        "As the one before, by model.",
        "reqps",
        (f"sum by (model_name) (rate({_TFS}:request_count{{{_NAME}}}[$__rate_interval]))", "{{model_name}}"),
    ),
    lines(
        "Replicas",
        "Model servers that Prometheus sees.",
        "short",
        ('sum(up{job="model-server"})', "seen"),
        ('count(up{job="model-server"})', "known"),
    ),
)

section(
    BOARD,
    "Latency",
    lines(
        "95 % of requests within",
        "From request to answer within the model server; only requests that succeeded.",
        "µs",
        (quantile(0.95, f"{_TFS}:request_latency", "model_name", _NAME), "{{model_name}}"),
    ),
    lines(
        "95 % of computations within",
        "Time in the graph, with the waiting for a batch.",
        "µs",
        (quantile(0.95, f"{_TFS}:runtime_latency", "model_name", _NAME), "{{model_name}}"),
    ),
    lines(
        "Time outside the graph",
        "The mean request less the mean computation: reading and writing tensors. It grows with the inputs.",
        "µs",
        (
            f"({mean(f'{_TFS}:request_latency', 'model_name', _NAME)})"
            f" - ({mean(f'{_TFS}:runtime_latency', 'model_name', _NAME)})",
            "{{model_name}}",
        ),
    ),
)

section(
    BOARD,
    "Batching",
    lines(
        "Waiting for a batch",
        "How long requests wait until theirs is full or times out. More than the computation takes: shorten "
        "batch_timeout_micros, or add replicas.",
        "µs",
        (quantile(0.5, f"{_BATCHING}:queuing_latency", "instance"), "{{instance}} 50 %"),
        (quantile(0.95, f"{_BATCHING}:queuing_latency", "instance"), "{{instance}} 95 %"),
    ),
    lines(
        "Rows",
        "The mean rows of a request and of what is computed at once. Equal: batching only costs time.",
        "short",
        (mean(f"{_BATCHING}:input_batch_size", ""), "a request"),
        (mean(f"{_BATCHING}:processed_batch_size", ""), "a batch"),
    ),
    lines(
        "Share of padding",
        "Rows that only fill a batch up to one of allowed_batch_sizes. Much of it: add a size in between.",
        "percentunit",
        (
            f"sum(rate({_BATCHING}:padding_size_sum[$__rate_interval]))"
            f" / sum(rate({_BATCHING}:processed_batch_size_sum[$__rate_interval]))",
            "padding",
        ),
    ),
    lines(
        "Batches",
        "Batches that are run a second.",
        "cps",
        (f"sum(rate({_BATCHING}:wrapped_run_count[$__rate_interval]))", "batches"),
    ),
)

section(
    BOARD,
    "Loading",
    # Not by :tensorflow:cc:saved_model:load_attempt_count: a failed load counts as a success there, and each version is
    # a series of its own that begins at 1, so that its increase is 0.
    layers(
        "Versions by state",
        "As the model servers tell the gateways (GetModelStatus): how many versions of all models are in which state. "
        "A load that fails is `loading` until the last try; `failed` ends the model server at its next start.",
        "short",
        (f"count by (state) (max by (model, version, state) ({_STATES}))", "{{state}}"),
        colors={"^available$": "green", "^(start|loading|unloading)$": "yellow", "^failed$": "red"},
    ),
    lines(
        "Versions that are not served",
        "Those that are being loaded, were given up, or are being unloaded.",
        "short",
        (
            f'max by (model, version, state) ({_STATES[:-1]}, state=~"start|loading|failed|unloading"}})',
            "{{model}} {{version}}: {{state}}",
        ),
    ),
    lines(
        "Time of warm-up",
        "Replaying a version's recorded requests before it answers, on average, by version's folder.",
        "µs",
        (
            f"sum by (model_path) ({_TFS}:model_warmup_latency_sum) / sum by (model_path)"
            f" ({_TFS}:model_warmup_latency_count)",
            "{{model_path}}",
        ),
    ),
)
