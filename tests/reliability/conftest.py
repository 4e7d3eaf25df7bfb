"""Systems under test, and the record of what was measured of them.

`make test` runs a slice of the suite, with short faults. `--reliability FILE` runs it whole, and appends a line of JSON
for each row of docs/reliability.md.
"""

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.results import Results
from tests.reliability.load import Figures
from tests.reliability.servers import Gateway, ModelServer, in_process, stopped_at_the_end
from tests.reliability.versions import ModelsFolder, Shelf, Truth

RECOVERY_SECONDS = 15.0
"""More than this is a failure of the whole run; what is aimed at is 2 s, on a quiet machine."""

Record = Callable[..., None]
Report = pytest.TestReport


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether the whole suite runs."""
    return bool(request.config.getoption("--reliability"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--reliability"):
        skip = pytest.mark.skip(reason="only `make reliability` runs it")
        for item in items:
            if item.get_closest_marker("whole_suite"):
                item.add_marker(skip)


@pytest.fixture
def seconds(whole: bool) -> float:
    """How long a fault lasts."""
    return 5.0 if whole else 1.0


@pytest.fixture(scope="session", autouse=True)
def results(request: pytest.FixtureRequest) -> Results | None:
    """The file of results, if there is to be one."""
    path = request.config.getoption("--reliability")
    return Results(Path(path), "make reliability") if path else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Report, Report]:
    """Keep in the results which tests could not be tried, and why."""
    report = yield
    path = item.config.getoption("--reliability")
    if report.skipped and path and isinstance(report.longrepr, tuple):
        kept = {"kind": "skipped", "test": _sentence(item), "reason": report.longrepr[2].removeprefix("Skipped: ")}
        with Path(path).open("a") as file:
            file.write(json.dumps(kept) + "\n")
    return report


def _sentence(item: pytest.Item) -> str:
    return getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")


@pytest.fixture
def record(request: pytest.FixtureRequest, results: Results | None) -> Record:
    """Checks figures, and keeps them as a row of the table, which is named like the test."""

    def record(load: str, fault: str, figures: Figures, lost: int = 0, told: str = "") -> None:
        if results:
            results.add("fault", test=_sentence(request.node), load=load, fault=fault, allowed=lost, **asdict(figures))
            assert figures.recovery < RECOVERY_SECONDS, told
        assert figures.wrong == 0, told
        assert figures.lost <= lost, told

    return record


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def models(shelf: Shelf, tmp_path: Path) -> ModelsFolder:
    """A models folder of its own, with version 1."""
    return _models(tmp_path / "models", shelf)


@pytest.fixture(scope="module")
def shared_models(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> ModelsFolder:
    """The models folder of the servers that a module's tests share."""
    return _models(tmp_path_factory.mktemp("shared") / "models", shelf)


def _models(path: Path, shelf: Shelf) -> ModelsFolder:
    models = ModelsFolder(path, shelf, Truth())
    models.publish()
    return models


@pytest.fixture(scope="module")
def gateway(shared_models: ModelsFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that computes the models itself."""
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    server = Gateway(shared_models, log, *in_process(shared_models))
    with stopped_at_the_end(server):
        server.wait_until_ready()
        yield server


@pytest.fixture(scope="module")
def model_server(shared_models: ModelsFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    server = ModelServer(shared_models, tmp_path_factory.mktemp("server") / "server.log")
    with stopped_at_the_end(server):
        yield server
