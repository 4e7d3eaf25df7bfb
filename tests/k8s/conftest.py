from pathlib import Path

import pytest

from tests.k8s.manifests import VARIANTS, Manifests, parse, render


@pytest.fixture(scope="session", params=VARIANTS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An overlay as the file that `kubectl apply -k` would send."""
    folder = tmp_path_factory.mktemp(request.param)
    file = folder / "rendered.yaml"
    file.write_text(render(request.param, folder))
    return file


@pytest.fixture(scope="session")
def manifests(rendered: Path) -> Manifests:
    return parse(rendered.read_text())
