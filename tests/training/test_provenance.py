import re

from training.provenance import git_revision


def test_an_image_tells_the_revision_that_it_was_built_of(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REVISION", "abc123")

    assert git_revision() == "abc123"


def test_a_checkout_tells_its_commit(monkeypatch):
    monkeypatch.delenv("PLUMBLINE_REVISION", raising=False)

    assert re.fullmatch("[0-9a-f]{40}", git_revision())
