import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from serving.gateway.middleware.headers import register_headers


@pytest.mark.parametrize(
    "path", ["/", "/monitor", "/static/page.js", "/models", "/models/zebra", "/nowhere", "/healthz", "/metrics"]
)
def test_every_response_has_the_security_headers(gateway: FlaskClient, path: str) -> None:
    with gateway.get(path) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"


def test_a_response_may_have_a_policy_of_its_own() -> None:
    app = Flask(__name__)
    register_headers(app)
    app.add_url_rule("/", view_func=lambda: Response(headers={"Content-Security-Policy": "default-src 'none'"}))
    assert app.test_client().get("/").headers.getlist("Content-Security-Policy") == ["default-src 'none'"]
