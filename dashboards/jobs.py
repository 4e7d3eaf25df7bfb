"""Training and batch jobs: when they last ran, how they ended, how long they took, and what came of it."""

from dashboards.panels import board, lines, number, section, variable

_MODEL = 'model=~"$model"'
_TRAINING = "plumbline_training"
_BATCH = "plumbline_batch"


def _newest(metric: str, by: str = "model") -> str:
    return f"max by ({by}) ({metric}{{{_MODEL}}})"


BOARD = board(
    "plumbline-jobs",
    "Training and batch jobs",
    "The last run of each model's training and scoring, and Kubernetes' view of the Jobs.",
    [
        variable("model", f"label_values({_TRAINING}_last_run_timestamp_seconds, model)", "Model", several=True),
        variable("namespace", "label_values(plumbline_gateway_workers, namespace)", "Namespace of Jobs", several=True),
    ],
)

section(
    BOARD,
    "Now",
    number(
        "Trainings that failed",
        "Models whose last run ended with another exit code than 0.",
        "short",
        (f"count({_newest(f'{_TRAINING}_exit_code')} != 0) or vector(0)", "failed"),
        alarm=1,
    ),
    number(
        "Longest without training",
        "The model whose last success is the longest ago; there is an alert if it is longer than its schedule.",
        "s",
        (f"max(time() - {_newest(f'{_TRAINING}_last_success_timestamp_seconds')})", "ago"),
        warn=8 * 86400,
        alarm=33 * 86400,
    ),
    number(
        "Rows rejected",
        "The largest share of rows that a model's last batch could not score.",
        "percentunit",
        (f"max({_newest(f'{_BATCH}_rejected_rows')} / {_newest(f'{_BATCH}_rows')})", "rejected"),
        warn=0.01,
        alarm=0.05,
    ),
    number(
        "Jobs at work",
        "Pods of Jobs that run now.",
        "short",
        ('sum(kube_job_status_active{namespace=~"$namespace"})', "running"),
    ),
    number(
        "Jobs that failed",
        "Jobs that Kubernetes gave up.",
        "short",
        ('sum(kube_job_failed{namespace=~"$namespace", condition="true"}) or vector(0)', "failed"),
        alarm=1,
    ),
    number(
        "Files that can't be read",
        "1 if the node exporter can't read one of the files that jobs write.",
        "short",
        ("max(node_textfile_scrape_error)", "errors"),
        alarm=1,
    ),
)

section(
    BOARD,
    "Training",
    lines(
        "Exit code of the last run",
        "0 succeeded, 2 can't succeed as it stands, 3 refused by the gate, 75 worth another try, 1 unexpected.",
        "none",
        (_newest(f"{_TRAINING}_exit_code"), "{{model}}"),
    ),
    lines(
        "Since the last success",
        "The CronJobs run once a week.",
        "s",
        (f"time() - {_newest(f'{_TRAINING}_last_success_timestamp_seconds')}", "{{model}}"),
        limit=8 * 86400,
    ),
    lines("Time of the last run", "From start to end.", "s", (_newest(f"{_TRAINING}_duration_seconds"), "{{model}}")),
    lines(
        "Measure on the test rows",
        "Of the last trained model, and of the naive baseline: the majority class, or the mean.",
        "short",
        (_newest(f"{_TRAINING}_metric", "model, metric"), "{{model}} {{metric}}"),
        (_newest(f"{_TRAINING}_baseline_metric", "model, metric"), "{{model}} {{metric}}: baseline"),
    ),
)

section(
    BOARD,
    "Batch",
    lines(
        "Since the last run",
        "And since the last that succeeded: apart, the last one failed.",
        "s",
        (f"time() - {_newest(f'{_BATCH}_last_run_timestamp_seconds')}", "{{model}} run"),
        (f"time() - {_newest(f'{_BATCH}_last_success_timestamp_seconds')}", "{{model}} success"),
    ),
    lines("Time of the last run", "From start to end.", "s", (_newest(f"{_BATCH}_duration_seconds"), "{{model}}")),
    lines(
        "Rows a second",
        "Of the last run.",
        "cps",
        (_newest(f"{_BATCH}_rows_per_second"), "{{model}}"),
    ),
    lines(
        "Rows",
        "Of the last run, and those of them that could not be scored.",
        "short",
        (_newest(f"{_BATCH}_rows"), "{{model}}"),
        (_newest(f"{_BATCH}_rejected_rows"), "{{model}} rejected"),
    ),
)

section(
    BOARD,
    "Kubernetes",
    lines(
        "Jobs at work",
        "How long each has been running; after three hours there is an alert.",
        "s",
        (
            'time() - max by (job_name) (kube_job_status_start_time{namespace=~"$namespace"}) and on (job_name) '
            'max by (job_name) (kube_job_status_active{namespace=~"$namespace"}) > 0',
            "{{job_name}}",
        ),
        limit=3 * 3600,
    ),
    lines(
        "Jobs that failed",
        "1 for each Job that Kubernetes gave up.",
        "short",
        ('max by (job_name) (kube_job_failed{namespace=~"$namespace", condition="true"})', "{{job_name}}"),
    ),
)
