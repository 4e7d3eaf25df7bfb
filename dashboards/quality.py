"""What a model is asked and what it answers, against training; canaries and shadows against the live version."""

from dashboards.panels import board, layers, lines, model, number, quantile, section

_MODEL = 'model="$model"'
_ANSWER = f'{_MODEL}, feature=~"score|value"'

BOARD = board(
    "plumbline-quality",
    "Model quality",
    "Scores, labels, drift, parity, and canaries against the live version, of one model.",
    [model(several=False)],
)


def _rate(metric: str, by: str, selector: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def _share(metric: str, by: str, part: str, selector: str) -> str:
    """Return PromQL for the share that each value of the label *part* has among those of the labels *by*."""
    whole = f"{_rate(metric, by, selector)} > 0"
    return f"{_rate(metric, f'{by}, {part}', selector)} / on ({by}) group_left () ({whole})"


def _reference(by: str, selector: str) -> str:
    return f"max by ({by}) (plumbline_gateway_reference_ratio{{{selector}}})"


_BINS = "plumbline_gateway_feature_instances_total"
_SCORES = _share(_BINS, "version, feature", "bin", _ANSWER)
_LABELS = _share("plumbline_gateway_predictions_total", "version", "label", _MODEL)

section(
    BOARD,
    "Now",
    number(
        "Largest drift",
        "The largest population stability index of all features: over 0.1 watch it, over 0.25 it is an alert.",
        "short",
        (f"max(plumbline_gateway_drift_psi{{{_MODEL}}})", "index"),
        warn=0.1,
        alarm=0.25,
    ),
    number(
        "Instances judged",
        "Instances in the window that drift is judged by.",
        "short",
        (f"sum(plumbline_gateway_drift_window_instances{{{_MODEL}}})", "instances"),
    ),
    number(
        "Parity failures",
        "Checks within the last hour in which a version did not compute what training computed.",
        "short",
        (f"sum(increase(plumbline_gateway_parity_failures_total{{{_MODEL}}}[1h]))", "failures"),
        alarm=1,
    ),
    number(
        "Versions refused",
        "Versions on the model server that may not answer.",
        "short",
        (f"max(plumbline_gateway_refused_versions{{{_MODEL}}})", "versions"),
        alarm=1,
    ),
    number(
        "Live version",
        "The version that answers, canaries aside.",
        "none",
        (f"min(plumbline_gateway_live_version{{{_MODEL}}})", "version"),
    ),
    number(
        "Trained",
        "How long ago the live version was trained.",
        "s",
        (f"time() - min(plumbline_gateway_contract_timestamp_seconds{{{_MODEL}}})", "ago"),
    ),
)

section(
    BOARD,
    "Answers",
    lines(
        "Scores",
        "Share of instances by bin of the score given, or of the value; a bin is named by its upper bound.",
        "percentunit",
        (_SCORES, "{{version}}: {{bin}}"),
    ),
    lines(
        "Scores, more or less than in training",
        "The same shares less those of training's rows. All near zero: as in training.",
        "percentunit",
        (
            f"{_SCORES} - on (version, feature, bin) {_reference('version, feature, bin', _ANSWER)}",
            "{{version}}: {{bin}}",
        ),
    ),
    lines(
        "Labels, more or less than in training",
        "Share of the instances that were given each label, less its share of training's rows.",
        "percentunit",
        (
            f"label_replace({_LABELS}, 'bin', '$1', 'label', '(.*)') - on (version, bin) group_left () "
            + _reference("version, bin", f'{_MODEL}, feature="label"'),
            "{{version}}: {{label}}",
        ),
    ),
    lines(
        "Labels",
        "Instances a second by the label given.",
        "cps",
        (_rate("plumbline_gateway_predictions_total", "version, label", _MODEL), "{{version}}: {{label}}"),
    ),
)

section(
    BOARD,
    "Inputs and drift",
    lines(
        "Population stability index",
        "Of each feature's window against training, less what chance gives. Over the line for 30 minutes: alert.",
        "short",
        (
            f"max by (version, feature) (plumbline_gateway_drift_psi{{{_MODEL}}})",
            "{{version}}: {{feature}}",
        ),
        limit=0.25,
    ),
    lines(
        "Kolmogorov-Smirnov distance",
        "The largest difference of the two distribution functions, of continuous features: 0 alike, 1 apart.",
        "short",
        (f"max by (version, feature) (plumbline_gateway_drift_ks{{{_MODEL}}})", "{{version}}: {{feature}}"),
    ),
    lines(
        "Outside training's range",
        "Values a second below the smallest or above the largest that training saw.",
        "cps",
        (
            _rate("plumbline_gateway_outside_range_total", "version, feature", _MODEL),
            "{{version}}: {{feature}}",
        ),
    ),
    lines(
        "Missing values",
        "Fields a second that were absent or null.",
        "cps",
        (
            _rate("plumbline_gateway_missing_values_total", "version, feature", _MODEL),
            "{{version}}: {{feature}}",
        ),
    ),
)


def _live(metric: str, by: str = "version, head, measure") -> str:
    return f"max by ({by}) (plumbline_live_{metric}{{{_MODEL}}})"


_MEASURE = "{{version}}: {{head}} {{measure}}"

section(
    BOARD,
    "What turned out to be true",
    lines(
        "Measures, with their intervals",
        "Of captured answers whose truth is known, by version; the ends of the 95 % interval beside them.",
        "short",
        (_live("measure"), _MEASURE),
        (_live("measure_low"), f"{_MEASURE} low"),
        (_live("measure_high"), f"{_MEASURE} high"),
    ),
    lines(
        "Less those of the test rows",
        "The same measures less what the version's contract says of its test rows. Near zero: as good as tested.",
        "short",
        (
            f"{_live('measure')} - on (version, head, measure) "
            f"max by (version, head, measure) (plumbline_gateway_test_measure{{{_MODEL}}})",
            _MEASURE,
        ),
    ),
    lines(
        "Answers whose truth is known",
        "Their share among all, by version. Less than half of last week's, for all versions, is an alert.",
        "percentunit",
        (_live("coverage_ratio", "version"), "{{version}}"),
    ),
    lines(
        "Until the truth comes",
        "From an answer to its truth: what half (0.5) and nine in ten (0.9) of them don't exceed.",
        "s",
        (_live("delay_seconds", "version, quantile"), "{{version}}: {{quantile}}"),
    ),
)
section(
    BOARD,
    "Captures",
    lines(
        "Instances captured",
        "That were written, a second.",
        "cps",
        (f"sum(rate(plumbline_gateway_captured_total{{{_MODEL}}}[$__rate_interval]))", "captured"),
    ),
    lines(
        "Instances not captured, though they should have been",
        "By reason: too many waited, the disk or the store did not take them, or JSON has no such value.",
        "cps",
        (_rate("plumbline_gateway_captures_dropped_total", "reason", _MODEL), "{{reason}}"),
    ),
)
section(
    BOARD,
    "Feedback",
    lines(
        "Requests with feedback",
        "By HTTP status: 202 is kept, 422 does not fit the contract, 429 and 503 should be sent again.",
        "reqps",
        (_rate("plumbline_gateway_feedback_requests_total", "code", _MODEL), "{{code}}"),
    ),
    lines(
        "Truths",
        "That were kept, a second.",
        "cps",
        (f"sum(rate(plumbline_gateway_feedback_items_total{{{_MODEL}}}[$__rate_interval]))", "kept"),
    ),
    lines(
        "Truths that count for nothing",
        "In the window: of answers that were not captured, told twice, corrected, or of another kind than the answer.",
        "short",
        (f"max(plumbline_live_unknown_feedback{{{_MODEL}}})", "not captured"),
        (f"max(plumbline_live_duplicate_feedback{{{_MODEL}}})", "told twice"),
        (f"max(plumbline_live_corrected_feedback{{{_MODEL}}})", "corrected"),
        (f"max(plumbline_live_incomparable_feedback{{{_MODEL}}})", "of another kind"),
    ),
    lines(
        "Files that could not be read",
        "Parts of captures and feedback of which a line is none, since the process started; its log names them.",
        "short",
        (f"max(plumbline_live_damaged_parts{{{_MODEL}}})", "parts"),
    ),
)

_REQUESTS = "plumbline_gateway_requests_total"
_FAILED = _rate(_REQUESTS, "version", f'{_MODEL}, code=~"5.."')
_ALL = _rate(_REQUESTS, "version", f'{_MODEL}, version!="none"')

section(
    BOARD,
    "Canary against the live version",
    lines(
        "Share of requests",
        "By the version that answered or should have; a canary's goal beside it.",
        "percentunit",
        (f"{_ALL} / on () group_left () sum({_ALL})", "{{version}}"),
        (f"max by (version) (plumbline_gateway_canary_ratio{{{_MODEL}}})", "{{version}}: goal"),
    ),
    lines(
        "Share that fails",
        "Requests that end with a 5xx, by version. Over the dashed line for 5 minutes there is an alert for a canary.",
        "percentunit",
        (f"({_FAILED} or 0 * {_ALL}) / ({_ALL} > 0)", "{{version}}"),
        limit=0.01,
    ),
    lines(
        "95 % of requests within",
        "Time in the gateway, by version.",
        "s",
        (
            quantile(0.95, "plumbline_gateway_request_seconds", "version", f'{_MODEL}, version!="none"'),
            "{{version}}",
        ),
    ),
)

_COMPARED = _rate("plumbline_gateway_shadow_instances_total", "version", _MODEL)
_SENT = _rate("plumbline_gateway_shadow_requests_total", "version, outcome", _MODEL)
_DROPPED = _rate("plumbline_gateway_shadow_dropped_total", "version, reason", _MODEL)

section(
    BOARD,
    "Shadow against what was answered",
    lines(
        "Answers that disagree",
        "Share of the compared instances with another label, other tags, or a value a tenth or more apart.",
        "percentunit",
        (
            f"{_rate('plumbline_gateway_shadow_disagreements_total', 'version', _MODEL)} / ({_COMPARED} > 0)",
            "{{version}}",
        ),
    ),
    lines(
        "Distance of scores",
        "The distance that half and 95 % of the compared instances stay below; of numbers, as a share of the larger.",
        "short",
        (quantile(0.5, "plumbline_gateway_shadow_distance", "version", _MODEL), "{{version}}: 50 %"),
        (quantile(0.95, "plumbline_gateway_shadow_distance", "version", _MODEL), "{{version}}: 95 %"),
    ),
    lines(
        "95 % of answers within",
        "The time of the same requests' answers: the shadow's, and those that were sent, without the queue.",
        "s",
        (quantile(0.95, "plumbline_gateway_shadow_seconds", "version, by", _MODEL), "{{version}}: {{by}}"),
    ),
    layers(
        "What became of shadows",
        "Requests a second: compared, rejected, failed; dropped where requests needed the process.",
        "reqps",
        (_SENT, "{{version}}: {{outcome}}"),
        (_DROPPED, "{{version}}: dropped, {{reason}}"),
    ),
    number(
        "Share",
        "The share of requests that the shadow is to answer too.",
        "percentunit",
        (f"max(plumbline_gateway_shadow_ratio{{{_MODEL}}})", "share"),
    ),
)
