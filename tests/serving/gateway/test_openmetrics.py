"""The metrics in OpenMetrics' format, for those who ask for it."""

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
PROMETHEUS += "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
PROMETHEUS += "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"


@pytest.mark.parametrize(
    ("accept", "is_openmetrics"),
    [
        (PROMETHEUS, True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; version=1.0.0", True),
        ("application/openmetrics-text; version=0.0.1, text/plain;q=0.5", True),
        ("text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0;q=0.4", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=many", False),
        ("text/plain", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_format_is_the_one_that_is_preferred(gateway: FlaskClient, accept: str, is_openmetrics: bool) -> None:
    assert gateway.post("/predict/sentiment", json={"text": "a good film"}).status_code == 200
    reply = gateway.get("/metrics", headers={"Accept": accept})
    assert (reply.content_type == OPENMETRICS) is is_openmetrics
    assert reply.content_type == OPENMETRICS or reply.content_type.startswith("text/plain; version=0.0.4")
    assert reply.get_data().endswith(b"# EOF\n") is is_openmetrics
    assert "Accept" in reply.vary


def test_it_is_read_as_the_format_says(gateway: FlaskClient) -> None:
    for _ in range(3):
        gateway.post("/predict/sentiment", json={"text": "a good film"})
    text = gateway.get("/metrics", headers={"Accept": OPENMETRICS}).get_data(as_text=True)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (total,) = (
        sample.value
        for sample in families["plumbline_gateway_requests"].samples
        if sample.name == "plumbline_gateway_requests_total"
    )
    assert total == 3
    assert families["plumbline_gateway_request_seconds"].type == "histogram"
