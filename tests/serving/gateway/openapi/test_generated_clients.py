"""Clients that the usual generators make of /openapi.json: small, clean, and of use to the gateway it came from."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serving.contract import Answers, Contract, Record
from serving.contract.encoders import Category, Number, Tags
from serving.contract.heads import Labels, Values
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract
from tests.serving.every_kind import make, mixed_kind, model_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served

TOOLS = Path(__file__).parents[4] / ".venv-generators"
PYTHON, TYPESCRIPT = TOOLS / "bin" / "python", TOOLS / "node_modules" / ".bin"
needs_python = pytest.mark.skipif(
    not (TOOLS / "installed").exists(),
    reason="the generators have an environment of their own: make .venv-generators/installed",
)
needs_typescript = pytest.mark.skipif(
    not (TYPESCRIPT / "openapi-typescript").exists(), reason="needs npm: make .venv-generators/installed"
)
PAGE = (TOOLS.parent / "docs" / "clients.md").read_text()
MIXED = mixed_kind()


def odd_contract(model: str = "a-b") -> Contract:
    """Values and labels that no program can have as names, or that differ in letters or signs alone."""
    fields = {
        "sex": Category.fit(["M", "m", "M", "m", None, "", "a b", "a-b", "a_b", "1st", "很好"]),
        "known": Category.fit([True, False, None, True]),
        "size": Category.fit([3, 2, 3, -1, None]),
        "class": Tags.fit([["x", "X"], ["x"], ["X", "y y"]]),
        "import": Number.fit([1.0, 2.0, None]),
        "instance": Category.fit(["new", "old"]),
        "年": Category.fit(["兎", "虎", None]),
        "月": Category.fit(["x", "y"]),
        "always": Category.fit([True, True]),
    }
    labels = Labels(("no", "No", "a b", "a-b", "ja!", "很好"), top=3)
    instance = {"sex": "m", "known": True, "size": 3, "class": ["x"], "import": 1.0}
    instance |= {"instance": "new", "年": None, "月": "x", "always": True}
    return make(model, Record.packed(fields, "packed"), Answers.single(labels), [instance])


def values_contract() -> Contract:
    """A model called like a type that all share, whose answers are several numbers."""
    record = Record.single("x", Number.fit([1.0, 2.0]), "given")
    return make("problem", record, Answers.single(Values(("height", "width"), ("m", ""))), [{"x": 1.0}])


CONTRACTS = [
    *(text_contract(), tabular_contract(), image_contract(), MIXED.contract),
    *(odd_contract(), odd_contract("a_b"), values_contract()),
]


def shown(command: str, url: str) -> list[str]:
    """The arguments that docs/clients.md shows for *command*, for the gateway at *url*."""
    (arguments,) = re.findall(rf"^\$ {command} (.*)$", PAGE, re.M)
    return str(arguments).replace("http://localhost:8000", url).split()


@dataclass(frozen=True)
class Described:
    """A live gateway, and the file of its document."""

    url: str
    file: Path
    document: dict[str, Any]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    server = FakeModelServer().start()
    for contract in CONTRACTS:
        odd = contract.model not in ("sentiment", "house_price", "digits")
        server.publish(contract, model=model_of(contract) if odd else None)
    models = tuple(contract.model for contract in CONTRACTS)
    app = create_app(Settings(model_server=server.address, models=models, refresh_seconds=3600))
    with served(app) as url:
        client = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        file = tmp_path_factory.mktemp("described") / "openapi.json"
        file.write_bytes(client.get("/openapi.json").get_data())
        yield Described(url, file, json.loads(file.read_bytes()))
    server.stop()


def run(*command: object, folder: Path) -> str:
    """Run a tool and return all that it says."""
    path = f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def python_client(described: Described) -> Path:
    """The folder with the package `plumbline_client`."""
    options = [*shown("openapi-python-client", described.url), "--fail-on-warning"]
    told = run(TOOLS / "bin" / "openapi-python-client", *options, folder=described.file.parent)
    assert told.strip() == "Generating plumbline_client"
    return described.file.parent


def types(folder: Path) -> set[str]:
    """The classes of the generated client's models, in the generator's own spelling."""
    return set(
        re.findall(r'^    "(\w+)",$', (folder / "plumbline_client" / "models" / "__init__.py").read_text(), re.M)
    )


@needs_python
def test_the_python_client_is_small_and_its_names_say_what_they_are(described: Described, python_client: Path) -> None:
    names = types(python_client)
    sentiment = {name for name in names if name.startswith("Sentiment")}

    assert {
        name for name in sentiment if not name.startswith(("SentimentRow", "SentimentInfer", "SentimentOutput"))
    } == {f"Sentiment{part}" for part in "Instance Instances Answer Label Predictions Explained TextTensor".split()}
    assert len(sentiment) <= 14
    assert {
        "HousePriceInstance",
        "MixedPriceAnswer",
        "MixedTopicsTag",
        "DigitsFiles",
        "ProblemValues",
        "Problem",
        "Fault",
    } <= names
    assert len(names) == len(described.document["components"]["schemas"])  # none is of a place, all are named
    assert len(names) <= 185  # of seven models, three of them with many fields of their own kinds
    assert [name for name in names if re.search(r"Type\d|Item|Response\d|Body|Property", name)] == []
    for file in (python_client / "plumbline_client" / "api").glob("predict/predict_*.py"):
        (answered,) = re.findall(r"^def sync\(.*?\) -> (.*?):$", file.read_text(), re.M | re.S)
        assert re.fullmatch(r"(Problem \| \w+Predictions|\w+Predictions \| Problem) \| None", answered)
    modules = {file.stem for file in (python_client / "plumbline_client" / "api").glob("*/*.py")} - {"__init__"}
    assert len(modules) == sum(len(operations) for operations in described.document["paths"].values())
    assert not [
        file
        for file in python_client.glob("plumbline_client/api/**/*.py")
        if re.search(r"-> .*\bAny \|", file.read_text())
    ]


ASK = """
import io, json, sys
from plumbline_client import Client, models
from plumbline_client.api.models import get_models
from plumbline_client.api.open_inference_protocol import infer_sentiment
from plumbline_client.api.predict import predict_a_b, predict_a_b_2, predict_digits, predict_mixed, predict_sentiment
from plumbline_client.types import File

client = Client(base_url=sys.argv[1])
one = predict_sentiment.sync(client=client, body=models.SentimentInstance(text="a good film"))
texts = [models.SentimentInstance(text="bad"), models.SentimentInstance(text="very good")]
many = predict_sentiment.sync(client=client, body=models.SentimentInstances(instances=texts), version=1)
with open("digit.png", "rb") as payload:
    digit = predict_digits.sync(client=client, body=File(payload=payload, file_name="digit.png"))
with open("mixed.json") as file:
    mixed = predict_mixed.sync(client=client, body=models.MixedInstance.from_dict(json.load(file)))
row = {"sex": "m", "known": None, "size": 3, "class": ["y y"], "import": None}
row |= {"instance": "old", "年": "兎", "月": "y", "always": True}
odd = [(predict_a_b, models.ABInstance), (predict_a_b_2, models.AB2Instance)]
problem = predict_sentiment.sync(client=client, body=models.SentimentInstance(text=""))
tensor = models.SentimentTextTensor(name="text", datatype="BYTES", shape=[1], data=["a good film"])
inferred = infer_sentiment.sync(client=client, body=models.SentimentInferRequest(inputs=[tensor]))
assert isinstance(one.predictions[0].label, models.SentimentLabel)
assert isinstance(problem, models.Problem)
print(json.dumps({
    "one": one.to_dict(), "many": many.to_dict(), "digit": digit.to_dict(), "mixed": mixed.to_dict(),
    "odd": [ask.sync(client=client, body=kind.from_dict(row)).to_dict()["model"] for ask, kind in odd],
    "pointer": problem.errors[0].pointer, "limit": get_models.sync(client=client).limits.instances,
    "inferred": inferred.outputs[0].data,
}))
"""


@needs_python
def test_the_python_client_asks_the_gateway(described: Described, python_client: Path) -> None:
    (python_client / "digit.png").write_bytes(png(200))
    (python_client / "mixed.json").write_text(json.dumps(MIXED.instances[0]))
    (python_client / "ask.py").write_text(ASK)

    told = json.loads(run(PYTHON, "-W", "error", "ask.py", described.url, folder=python_client))

    from serving.client import Client

    with Client(described.url) as client:
        good, bad, very = (
            client.predict("sentiment", {"text": text}).json for text in ("a good film", "bad", "very good")
        )
        assert told["one"] == {"model": "sentiment", "version": 1, "predictions": [good]}
        assert told["many"]["predictions"] == [bad, very]
        assert told["digit"]["predictions"] == [client.predict("digits", {"image": png(200)}).json]
        assert told["inferred"] == [good["label"]]
    assert told["mixed"]["predictions"] == [MIXED.answers[0]]
    assert told["odd"] == ["a-b", "a_b"]
    assert (told["pointer"], told["limit"]) == ("/text", 512)


PROGRAM = """
import type { components, paths } from "./plumbline";

type Predict<Path extends keyof paths> = paths[Path] extends { post: infer Operation } ? Operation : never;
type Asked<Path extends keyof paths> = Predict<Path> extends {
  requestBody: { content: { "application/json": infer Body } } } ? Body : never;
type Answered<Path extends keyof paths> = Predict<Path> extends {
  responses: { 200: { content: { "application/json": infer Body } } } } ? Body : never;

const one: Asked<"/predict/sentiment"> = { text: "a good film" };
const many: Asked<"/predict/sentiment"> = { instances: [{ text: "a" }, { text: "b" }] };
const odd: components["schemas"]["ABInstance"] = { sex: "m", known: null, size: 3, class: ["y y"], import: 1,
  instance: "new", "年": "虎", "月": "x", always: true };

export async function ask(url: string): Promise<"negative" | "positive"> {
  const reply = await fetch(`${url}/predict/sentiment`, { method: "POST", body: JSON.stringify(one) });
  const said: Answered<"/predict/sentiment"> = await reply.json();
  const version: number = said.version;
  return said.predictions[version - version].label;
}

export function price(said: Answered<"/predict/mixed">): [number, "EUR", ("cheap" | "new")[]] {
  const [{ price, topics }] = said.predictions;
  return [price.value, price.unit, topics.tags];
}

// @ts-expect-error: a text is no number
const wrong: Asked<"/predict/sentiment"> = { text: 5 };
// @ts-expect-error: there is no such field
const unknown: components["schemas"]["SentimentInstance"] = { text: "a", txt: "b" };
// @ts-expect-error: there is no such label
const label: components["schemas"]["SentimentLabel"] = "neutral";
export { label, many, odd, unknown, wrong };
"""


@needs_typescript
def test_the_typescript_client_is_small_and_knows_what_is_right(described: Described, tmp_path: Path) -> None:
    told = run(TYPESCRIPT / "openapi-typescript", *shown("npx openapi-typescript", described.url), folder=tmp_path)
    (tmp_path / "program.ts").write_text(PROGRAM)
    (tmp_path / "shown.ts").write_text(re.findall(r"^```typescript\n(.*?)^```", PAGE, re.M | re.S)[0])
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]

    assert run(TYPESCRIPT / "tsc", *options, "program.ts", "shown.ts", folder=tmp_path) == ""
    assert not re.search("warn|error", told, re.I)
    types = (tmp_path / "plumbline.ts").read_text()
    assert set(re.findall(r"^ *[^ *].*: .*\b(?:unknown|any)\b.*$", types, re.M)) <= {
        "                    [name: string]: unknown;",  # headers
        "            [key: string]: unknown;",  # objects of which it is only said that they are some
        *("            value?: unknown;", "            reference?: unknown;"),  # of any field of any model
        *("            answer: unknown;", "            truth: unknown;"),  # of any model
    }
    assert types.count("[key: string]: unknown;") == 1
    assert "Record<string, never>" not in types[types.index("schemas: {") : types.index("responses: never")]
