"""What reads inputs: for each kind, valid inputs to begin with, and a function that reads one.

The function returns in a few words what came of it, and raises if that was not in order.
"""

import base64
import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from serving.contract import Contract, InstanceLimits, check_parity
from serving.errors import ContractError, PlumblineError, PredictionError
from tests.serving.contracts import image_contract, tabular_contract, text_contract

_REFUSED = (400, 404, 405, 408, 411, 413, 414, 415, 422)
_HOUSE = {"rooms": 5.0, "age": 30.0}
_BOUNDARY = b"x0"
Read = Callable[[bytes], str]


@dataclass(frozen=True)
class Target:
    """Reads inputs of one kind; *seeds* are valid ones."""

    seeds: list[bytes]
    read: Read


class NotInOrder(AssertionError):
    """An answer that no input may have."""


def _posting(client, path: str, media_type: str, headers: Mapping[str, str] | None = None) -> Read:
    def read(data: bytes) -> str:
        reply = client.post(path, data=data, content_type=media_type, headers=headers or {})
        if reply.status_code == 200:
            json.loads(reply.data) if reply.mimetype == "application/json" else None
            return "200"
        if reply.status_code not in _REFUSED:
            raise NotInOrder(f"{reply.status_code} {reply.get_data(as_text=True)[:300]}")
        told = json.loads(reply.data)
        return f"{reply.status_code} {told.get('detail') or told['error']}"

    return read


@contextlib.contextmanager
def _gateway() -> Iterator:
    from serving.gateway.app import close_app, create_app
    from serving.gateway.settings import Settings
    from tests.serving.fake_model_server import FakeModelServer, wait_until

    server = FakeModelServer().start()
    for contract in (text_contract(), tabular_contract(), image_contract()):
        server.publish(contract)
    app = create_app(Settings(model_server=server.address, models=("sentiment", "house_price", "digits")))
    try:
        client = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client
    finally:
        close_app(app)
        server.stop()


def _pictures() -> list[bytes]:
    """Small pictures of every format and mode that matter."""
    found = []
    for mode in ("RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"):
        for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
            file = io.BytesIO()
            with contextlib.suppress(OSError, ValueError):  # no such mode in this format
                Image.new(mode, (9, 7), 0).save(file, kind)
                found.append(file.getvalue())
    file = io.BytesIO()
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 90, 200)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return [*found, file.getvalue()]


def _json() -> list[tuple[str, list[object]]]:
    picture = base64.b64encode(_pictures()[0]).decode()
    house = [_HOUSE, {"instances": [_HOUSE, _HOUSE]}, {"instance": _HOUSE}]
    return [
        ("/predict/house_price", house),
        ("/predict/sentiment", [{"text": "a good film"}, {"instances": [{"text": "bad"}]}]),
        ("/predict/digits", [{"image": picture}]),
        ("/v1/models/house_price:predict", [{"instances": [_HOUSE]}]),
    ]


@contextlib.contextmanager
def json_bodies() -> Iterator[Target]:
    """Bodies of JSON, of which the first line names the path."""
    with _gateway() as client:
        reads = {path: _posting(client, path, "application/json") for path, _ in _json()}
        paths = [*reads]
        seeds = [json.dumps(body).encode() for _, bodies in _json() for body in bodies]
        yield Target(seeds, lambda data: reads[paths[sum(data[:8]) % len(paths)]](data))


@contextlib.contextmanager
def tensors() -> Iterator[Target]:
    """Requests of the Open Inference Protocol, in JSON."""
    inputs = [
        {"name": "rooms", "shape": [1], "datatype": "FP64", "data": [5.0]},
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [30.0]},
    ]
    both = [{**each, "shape": [2], "data": each["data"] * 2} for each in inputs]
    seeds = [{"inputs": inputs}, {"id": "a", "inputs": both, "outputs": [{"name": "value"}], "parameters": {}}]
    with _gateway() as client:
        read = _posting(client, "/v2/models/house_price/infer", "application/json")
        yield Target([json.dumps(each).encode() for each in seeds], read)


@contextlib.contextmanager
def binary_tensors() -> Iterator[Target]:
    """The same with values as bytes after the JSON, whose length a header gives."""
    names = [{"name": each, "shape": [1], "datatype": "FP64"} for each in _HOUSE]
    head = json.dumps({"inputs": [{**each, "parameters": {"binary_data_size": 8}} for each in names]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    with _gateway() as client:
        read = _posting(client, "/v2/models/house_price/infer", "application/octet-stream", headers)
        yield Target([head + np.array([*_HOUSE.values()]).tobytes()], read)


@contextlib.contextmanager
def pictures() -> Iterator[Target]:
    """Files of pictures as bodies."""
    with _gateway() as client:
        yield Target(_pictures(), _posting(client, "/predict/digits", "image/png"))


@contextlib.contextmanager
def multipart() -> Iterator[Target]:
    """Forms with a file."""
    head = b'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png'
    seeds = [b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n" % (_BOUNDARY, head, each, _BOUNDARY) for each in _pictures()[:6]]
    with _gateway() as client:
        yield Target(seeds, _posting(client, "/predict/digits", f"multipart/form-data; boundary={_BOUNDARY.decode()}"))


@contextlib.contextmanager
def contracts() -> Iterator[Target]:
    """Contracts: refused as one, or they work."""
    from tests.serving.every_kind import every_kind

    def read(data: bytes) -> str:
        try:
            contract = Contract.from_json(data).limited(InstanceLimits(1000, 1_000_000, 1_000_000))
        except ContractError as error:
            return str(error)
        with contextlib.suppress(PredictionError):
            contract.features([example.instance for example in contract.examples])
        specs = contract.answers.specs.items()
        count = len(contract.examples)
        outputs = {name: np.full((count, *spec.shape[1:]), 0.25, spec.numpy) for name, spec in specs}
        with contextlib.suppress(PredictionError):
            check_parity(contract, lambda features: outputs)
        contract.answers.make(outputs)
        return "read"

    yield Target([kind.contract.to_json().encode() for kind in every_kind()], read)


def _scoring(name: str, seeds: list[bytes]) -> Callable[[], contextlib.AbstractContextManager[Target]]:
    @contextlib.contextmanager
    def target() -> Iterator[Target]:
        import tempfile

        from serving.batch.jobs.scoring_job import Job, score, start
        from tests.serving.batch.instant import InstantServer

        server = InstantServer(tabular_contract())
        with tempfile.TemporaryDirectory() as folder:

            def read(data: bytes) -> str:
                path = Path(folder) / name
                path.write_bytes(data)
                for former in Path(folder).glob("answers*"):
                    former.unlink()
                try:
                    job = Job((str(path),), "house_price", str(Path(folder) / "answers.jsonl"))
                    summary = score(start(job, server), server, lambda: server, threading.Event())
                except PlumblineError as error:
                    return str(error)
                return f"scored {sorted(summary)}"

            yield Target(seeds, read)

    target.__doc__ = f"Files like {name} of `plumbline score`."
    return target


def _csv() -> list[bytes]:
    plain = "rooms,age\r\n5,30\r\n7.5,80\r\n"
    return [
        plain.encode(),
        plain.replace(",", ";").encode(),
        b"\xef\xbb\xbf" + plain.encode(),
        plain.encode("utf-16"),
        b'rooms,age,note\n"5","30","a, ""b"""\n',
    ]


def _parquet() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"rooms": [5.0, 7.5, 3.0], "age": [30.0, 80.0, 1.0]})
    found = []
    for compression in ("NONE", "snappy", "zstd", "gzip"):
        file = io.BytesIO()
        pq.write_table(table, file, compression=compression)
        found.append(file.getvalue())
    return found


@contextlib.contextmanager
def toml() -> Iterator[Target]:
    """Declarations of a model of one's own."""
    import tempfile

    from training.declarations.toml_reading import read_declaration

    seed = b"""name = "visits"
[data]
file = "visits.csv"
target = "stays"
problem = "binary"
[split]
by = "chance"
test = 0.2
[fields.minutes]
kind = "number"
[fields.city]
kind = "category"
[recipe]
network = "dense"
epochs = 10
[gate]
metric = "accuracy"
"""
    with tempfile.TemporaryDirectory() as folder:

        def read(data: bytes) -> str:
            path = Path(folder) / "visits.toml"
            path.write_bytes(data)
            try:
                read_declaration(path)
            except PlumblineError as error:
                return str(error)
            return "read"

        yield Target([seed], read)


TARGETS: dict[str, Callable[[], contextlib.AbstractContextManager[Target]]] = {
    "json": json_bodies,
    "tensors": tensors,
    "binary": binary_tensors,
    "pictures": pictures,
    "multipart": multipart,
    "contract": contracts,
    "csv": _scoring("rows.csv", _csv()),
    "jsonl": _scoring("rows.jsonl", [b'{"rooms": 5, "age": 30}\n{"rooms": 7.5, "age": 80}\n']),
    "parquet": _scoring("rows.parquet", _parquet()),
    "toml": toml,
}
"""By the kind of input."""
