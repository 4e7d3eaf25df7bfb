"""GPUs, by NVIDIA's DCGM exporter, beside what the model server does with them.

A GPU's utilisation alone misleads: large batches keep it busy while all is well, and it idles while requests wait for a
batch. So the waiting stands beside it.
"""

from dashboards.panels import board, lines, mean, quantile, section, variable

_LEGEND = "{{hostname}} {{gpu}}"


def _gpu(metric: str, nodes: str = "$node") -> str:
    """Return PromQL by node and GPU. The exporter calls the node `hostname`, and before May 2026 `Hostname`."""
    old, new = (f'{metric}{{{label}=~"{nodes}", {label}!=""}}' for label in ("Hostname", "hostname"))
    return f'max by (hostname, gpu) (label_replace({old}, "hostname", "$1", "Hostname", "(.*)") or {new})'


_NODES = variable("node", f"query_result({_gpu('DCGM_FI_DEV_GPU_UTIL', '.*')})", "Node", several=True)
_NODES.regex('/hostname="([^"]+)"/')

BOARD = board(
    "plumbline-gpu",
    "GPU",
    "GPUs by the DCGM exporter, beside the model server's batching and the gateways' waiting.",
    [_NODES],
)

section(
    BOARD,
    "Work",
    lines(
        "Busy",
        "Share of time in which anything ran on the GPU, however little of it was used.",
        "percent",
        (_gpu("DCGM_FI_DEV_GPU_UTIL"), _LEGEND),
    ),
    lines(
        "Tensor cores",
        "Share of cycles in which the tensor cores worked: low while the GPU is busy means small batches, or float32.",
        "percentunit",
        (_gpu("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"), _LEGEND),
    ),
    lines(
        "Memory",
        "Share of the GPU's memory that is taken. TensorFlow takes nearly all at once, unless told to let it grow.",
        "percentunit",
        (f"{_gpu('DCGM_FI_DEV_FB_USED')} / ({_gpu('DCGM_FI_DEV_FB_USED')} + {_gpu('DCGM_FI_DEV_FB_FREE')})", _LEGEND),
        limit=0.98,
    ),
)

section(
    BOARD,
    "What waits for it",
    lines(
        "Waiting for a batch",
        "In the model server, until a batch is full or times out. Waiting beside an idle GPU: shorten "
        "batch_timeout_micros. Beside a busy one: add replicas.",
        "µs",
        (
            quantile(0.95, ":tensorflow:serving:batching_session:queuing_latency", "instance"),
            "{{instance}} 95 %",
        ),
    ),
    lines(
        "Rows of a batch",
        "On average. Larger batches use a GPU better.",
        "short",
        (mean(":tensorflow:serving:batching_session:processed_batch_size", ""), "rows"),
    ),
    lines(
        "The gateways' calls",
        "95 % of predictions come back within, by model.",
        "s",
        (quantile(0.95, "plumbline_gateway_rpc_seconds", "model", 'method="Predict"'), "{{model}}"),
    ),
)

section(
    BOARD,
    "Health",
    lines(
        "Temperature", "Over about 85 degrees most GPUs slow down.", "celsius", (_gpu("DCGM_FI_DEV_GPU_TEMP"), _LEGEND)
    ),
    lines("Power", "What it draws now.", "watt", (_gpu("DCGM_FI_DEV_POWER_USAGE"), _LEGEND)),
    lines(
        "Last XID error",
        "The number of the last error that the driver reported, 0 if none: 13, 31 and 43 are mostly a program's fault; "
        "48, 63, 64, 74 and 79 the hardware's.",
        "none",
        (_gpu("DCGM_FI_DEV_XID_ERRORS"), _LEGEND),
    ),
)
