import re

import pytest
from flask.testing import FlaskClient

from tests.serving.gateway.problem_details import problem


@pytest.mark.parametrize("sent", ["a", "7f1b-42", "req:2026/11/25+01=x@y~z.w_", "x" * 128])
def test_a_callers_id_comes_back(gateway: FlaskClient, sent: str) -> None:
    assert gateway.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "a b", 'a"b', "a%0Ab", "é", "a,b"])
def test_without_one_that_can_be_used_one_is_made(gateway: FlaskClient, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Request-ID": sent}
    ids = {gateway.get("/healthz", headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize("path", ["/nowhere", "/models/zebra"])
def test_a_problem_has_the_id_of_its_header(gateway: FlaskClient, path: str) -> None:
    assert problem(gateway.get(path, headers={"X-Request-ID": "mine"}))["request_id"] == "mine"
    made = gateway.get(path)
    assert problem(made)["request_id"] == made.headers["X-Request-ID"]


def test_the_other_protocols_have_it_in_the_header_only(gateway: FlaskClient) -> None:
    reply = gateway.get("/v2/models/zebra", headers={"X-Request-ID": "mine"})
    assert reply.headers["X-Request-ID"] == "mine"
    assert reply.get_json().keys() == {"error"}
