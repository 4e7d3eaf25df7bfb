"""A fuzzer of contracts: `python -m tests.serving.contract.mutating --count N --seed S`.

It changes valid contracts of every kind at one to three places, and puts each where the registry, a gateway's catalog
and its routes read it. One of two things may come of it: it is refused, by an error of ours that names the place, or it
is admitted, and everything that is asked then has an answer.
"""

import argparse
import json
import logging
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient

from serving.catalog import ModelRunner
from serving.commands.tables import VERSION_HEADER, facts, table, version_rows
from serving.contract import Contract, Features
from serving.contract.arrays import Array
from serving.errors import ContractError, UnknownLabel
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.registry import read_versions, removable
from serving.registry.server_config import batching_parameters
from serving.registry.versions import CONTRACT, SAVED_MODEL, newest_fit, why_unfit
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.every_kind import every_kind

PUBLISHED = sorted((Path(__file__).parent / "schema_1").glob("*.json"))
DOCUMENTS: dict[str, Any] = {
    **{f"schema_1_{path.stem}": json.loads(path.read_text("utf-8"))["contract"] for path in PUBLISHED},
    **{kind.name: json.loads(kind.contract.to_json()) for kind in every_kind()},
}
FAULTY = {kind.name: [{**kind.instances[0], name: it[0]} for name, it in kind.faulty.items()] for kind in every_kind()}
DEEP = json.loads("[" * 400 + "]" * 400)
NUMBERS = (0, -1, 1, 1.5, 1e308, 10**30, float("nan"), float("inf"))
ODD = [None, True, *NUMBERS, "", "x", "\ud800", "9" * 5000, [], {}, [[]], [None], [1, 2], ["x", "x"], {"a": 1}, DEEP]
REMOVED, DOUBLED, SHORTER, REVERSED = "removed", "doubled", "shorter", "reversed"
Place = tuple[str | int, ...]

REFUSED, ADMITTED = "refused", "admitted"


def places(document: Any, at: Place = ()) -> Iterator[Place]:
    """Yield every place in a document but those that are for people only."""
    yield at
    inner = document.items() if isinstance(document, dict) else enumerate(document) if _is_list(document) else ()
    for key, value in inner:
        if (*at, key) not in (("instance", "schema"), ("signature",)):
            yield from places(value, (*at, key))


def changed(document: Any, at: Place, how: Any) -> Any:
    """The document with another value at a place, or its list changed as *how* says."""
    if not at:
        return how
    document = _copied(document)
    holder = document
    for key in at[:-1]:
        holder = holder[key]
    old = holder[at[-1]]
    if how == REMOVED:
        del holder[at[-1]]
    elif _is_list(old) and how in (DOUBLED, SHORTER, REVERSED):
        holder[at[-1]] = {DOUBLED: old + old, SHORTER: old[:-1], REVERSED: old[::-1]}[how]
    else:
        holder[at[-1]] = how
    return document


def mutated(document: Any, chance: random.Random) -> Any:
    """A document changed at one to three places: by odd values, values from elsewhere in it, or slightly."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        known = [*places(document)]
        at = chance.choice(known[1:] or known)
        document = changed(document, at, _change(document, at, known, chance))
    return document


def _change(document: Any, at: Place, known: list[Place], chance: random.Random) -> Any:
    match chance.randrange(4):
        case 0 | 1:
            return chance.choice([*ODD, REMOVED, DOUBLED, SHORTER, REVERSED])
        case 2:
            return _copied(_at(document, chance.choice(known)))
    old = _at(document, at)
    if isinstance(old, str) and old:
        cut = chance.randrange(len(old))
        return chance.choice([old[:cut], old[:cut] + chance.choice("0 \x00é/") + old[cut + 1 :], old[::-1]])
    if isinstance(old, int | float):
        return chance.choice([old + 1, -old, old * 1.5, old * 1e20, str(old)])
    return _copied([old])


def _at(document: Any, at: Place) -> Any:
    for key in at:
        document = document[key]
    return document


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


@dataclass
class OneModel:
    """A model server of one model: version 1, which is well, and the newest. They compute what their contracts say."""

    well: bytes
    document: bytes = b""
    newest: int = 1
    contract_read: Contract | None = field(default=None, repr=False)

    def publish(self, document: bytes) -> int:
        self.document, self.newest, self.contract_read = document, self.newest + 1, None
        return self.newest

    def predict(self, model: str, version: int, features: Features, seconds: float) -> tuple[int, dict[str, Array]]:
        if version == 1 or not self.contract_read:
            self.contract_read = Contract.from_json(self.contract(model, version, seconds))
        examples, specs = self.contract_read.examples, self.contract_read.answers.specs
        rows = [row % len(examples) for row in range(len(next(iter(features.values()))))]
        return version, {name: np.stack([examples[row].outputs[name] for row in rows]) for name in specs}

    def contract(self, model: str, version: int, seconds: float) -> bytes:
        return self.well if version == 1 else self.document

    def versions(self, model: str, seconds: float) -> tuple[VersionStatus, ...]:
        return tuple(VersionStatus(version, VersionState.AVAILABLE) for version in {1, self.newest})

    def labelled(self, model: str, label: str, seconds: float) -> int:
        raise UnknownLabel(model, label)

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        pass

    def aside(self) -> ModelRunner:
        return self

    def forget(self, model: str) -> None:
        pass

    def close(self) -> None:
        pass


class Border:
    """A gateway and a models folder of one model, which read whatever contract they are given."""

    def __init__(self, model: str, document: Any, models_dir: Path) -> None:
        self._model = document["model"]
        self._server = OneModel(json.dumps(document).encode())
        self._app = create_app(Settings(models=(self._model,), refresh_seconds=3600), self._server)
        self._faulty = FAULTY.get(model, [])
        self._instance = document["parity"]["examples"][0]["instance"]
        self._folder = models_dir / self._model / "1"
        (self._folder / CONTRACT).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / SAVED_MODEL).touch()

    def close(self) -> None:
        close_app(self._app)

    def judge(self, document: Any) -> str:
        """What becomes of a document, REFUSED or ADMITTED; raises AssertionError, or what serving should not raise."""
        written = json.dumps(document).encode()
        is_contract = _is_contract(written)
        assert self._fits_registry(written) == is_contract
        version = self._server.publish(written)
        client = self._app.test_client()
        reply = client.post(f"/predict/{self._model}?version={version}", json=self._instance)
        if reply.status_code == 404:
            assert "was not admitted: " in reply.get_json()["detail"], reply.get_json()
            assert "Error(" not in reply.get_json()["detail"], reply.get_json()
            return REFUSED
        assert is_contract
        assert reply.status_code in (200, 422), reply.get_json()
        self._ask_everything(client, document, version)
        return ADMITTED

    def _ask_everything(self, client: FlaskClient, document: Any, version: int) -> None:
        examples = [example["instance"] for example in document["parity"]["examples"]]
        for instances in (examples, *([faulty] for faulty in self._faulty), [{}], [*examples, 5]):
            self._expect(client, f"/predict/{self._model}?version={version}", {"instances": instances})
            self._expect(client, f"/v1/models/{self._model}:predict", {"instances": instances})
        for path in (f"/models/{self._model}", f"/models/{self._model}/versions/{version}/contract", "/models"):
            self._expect(client, path)
        for path in ("/openapi.json", f"/v2/models/{self._model}", f"/v1/models/{self._model}/metadata", "/metrics"):
            self._expect(client, path)

    def _expect(self, client: FlaskClient, path: str, sent: Mapping[str, Any] | None = None) -> None:
        reply = client.get(path) if sent is None else client.post(path, json=sent)
        assert reply.status_code < 500, (path, reply.get_data(as_text=True)[:500])

    def _fits_registry(self, written: bytes) -> bool:
        (self._folder / CONTRACT).write_bytes(written)
        models_dir = self._folder.parents[1]
        versions = read_versions(models_dir, self._model)
        table([VERSION_HEADER, *version_rows(self._model, versions)])
        facts(versions[0], versions)
        removable(versions, 2)
        assert bool(why_unfit(models_dir, self._model)) == bool(versions[0].problem)
        assert "Error(" not in versions[0].problem, versions[0].problem
        if fit := newest_fit(versions):
            assert fit.contract
            batching_parameters(fit.contract)
        return not versions[0].problem or "it is the contract of" in versions[0].problem


def _is_contract(written: bytes) -> bool:
    try:
        Contract.from_json(written)
    except ContractError:
        return False
    return True


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Judge *count* contracts; return how many were refused and admitted, and what else was raised."""
    chance = random.Random(seed)
    judged: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (model, document) in enumerate(DOCUMENTS.items()):
            with closing(Border(model, document, Path(folder, str(number)))) as border:
                for _ in range(count // len(DOCUMENTS) + (number < count % len(DOCUMENTS))):
                    changed_document = mutated(document, chance)
                    try:
                        judged[border.judge(changed_document)] += 1
                    except Exception:
                        failures.append(f"{model}: {_difference(document, changed_document)}\n{traceback.format_exc()}")
    return judged, failures


def _difference(before: Any, after: Any, at: str = "") -> str:
    """Where two documents differ, and what is there now."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        pairs = [(before[key], after[key], f"{at}/{key}") for key in before]
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        pairs = [(old, new, f"{at}/{place}") for place, (old, new) in enumerate(zip(before, after, strict=True))]
    else:
        return "" if before == after else f"{at} = {after!r:.200}; "
    return "".join(_difference(*pair) for pair in pairs)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    judged, failures = run(options.count, options.seed)
    for failure in failures[:20]:
        print(failure)
    print(f"{judged[REFUSED]} refused, {judged[ADMITTED]} admitted, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
