import pytest

from tests.k8s.manifests import VARIANTS, Manifests, manifests_of


@pytest.fixture(scope="session", params=VARIANTS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    """An overlay as `kubectl apply -k` would send it."""
    return manifests_of(request.param)


@pytest.fixture(scope="session")
def local() -> Manifests:
    return manifests_of("local")
