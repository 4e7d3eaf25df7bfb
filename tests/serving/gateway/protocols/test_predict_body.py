import contextlib
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import MalformedRequest, RequestError
from serving.gateway.protocols.body import GatewayRequest, parse_json
from serving.gateway.protocols.predict_body import bounded, pointer, read_instances

JSON = "application/json"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text().filter(lambda name: name != "instances"), VALUES, max_size=3)


def request(body: bytes, media: str = JSON) -> GatewayRequest:
    return GatewayRequest.from_values(data=body, content_type=media, method="POST")


def read(body: bytes) -> list[Any]:
    return bounded(read_instances(request(body), lambda: None, 32), 10).values


@given(OBJECTS)
def test_an_object_is_one_instance(instance: dict[str, Any]) -> None:
    assert read(orjson.dumps(instance)) == [instance]


@given(st.lists(VALUES, min_size=1, max_size=10))
def test_instances_are_whatever_the_list_holds(instances: list[Any]) -> None:
    assert read(orjson.dumps({"instances": instances})) == instances


@given(st.binary(max_size=200))
def test_any_other_bytes_are_the_callers_fault(body: bytes) -> None:
    with contextlib.suppress(RequestError):
        read(body)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_does_no_harm(depth: int) -> None:
    with pytest.raises(RequestError):
        read(b"[" * depth + b"]" * depth)


@given(VALUES, st.integers(1, 4))
def test_the_depth_of_json_is_found(value: Any, most: int) -> None:
    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    body = orjson.dumps(value)
    if depth(value) > most:
        with pytest.raises(MalformedRequest, match=f"nested at most {most} deep"):
            parse_json(body, most)
    else:
        assert parse_json(body, most) == value


def test_pointers_are_those_of_rfc_6901() -> None:
    assert pointer() == ""
    assert pointer("instances", 3, "RM") == "/instances/3/RM"
    assert pointer("m~n", "a/b", "~1") == "/m~0n/a~1b/~01"


def test_large_files_stay_in_memory() -> None:
    """A container's file system may be read-only."""
    head = b'--cut\r\nContent-Disposition: form-data; name="image"; filename="large.png"\r\n\r\n'
    body = head + b"x" * 2_000_000 + b"\r\n--cut--\r\n"
    uploaded = request(body, "multipart/form-data; boundary=cut")
    assert isinstance(uploaded.files["image"].stream, io.BytesIO)
    assert [len(instance["image"]) for instance in read_instances(uploaded, lambda: "image", 32).values] == [2_000_000]
