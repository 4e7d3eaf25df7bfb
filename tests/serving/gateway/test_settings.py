from dataclasses import fields
from pathlib import Path

import pytest

from serving.gateway.settings import InvalidSettings, Settings


def test_without_an_environment_the_defaults_hold() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"PORT": "", "MODELS": ""}) == Settings()


def test_every_setting_is_read() -> None:
    environment = {
        "MODEL_SERVER": "tf-serving:9000",
        "MODELS": "digits, topic",
        "DEADLINE_SECONDS": "2.5",
        "REFRESH_SECONDS": "0.5",
        "MAX_BODY_BYTES": "1000",
        "MAX_INSTANCES": "3",
        "BIND": "::",
        "PORT": "80",
        "WORKERS": "4",
        "THREADS": "16",
        "PROMETHEUS_MULTIPROC_DIR": "/metrics",
    }
    settings = Settings.from_env(environment)
    assert settings == Settings(
        "tf-serving:9000", ("digits", "topic"), 2.5, 0.5, 1000, 3, "::", 80, 4, 16, Path("/metrics")
    )
    assert len(environment) == len(fields(Settings))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("MODEL_SERVER", text) for text in ("localhost", ":8500", "localhost:", "localhost:x", "http://a:1", "a:0")),
        *(("MODELS", text) for text in ("a,,b", "a b", "A", "a,a", "a/b", ",")),
        *(("DEADLINE_SECONDS", text) for text in ("0", "-1", "nan", "inf", "soon")),
        *(("PORT", text) for text in ("0", "65536", "-1", "http")),
        *(("WORKERS", text) for text in ("0", "-1", "1.5", "many")),
    ],
)
def test_what_can_not_be_used_is_refused(variable: str, text: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"^{variable}='{text}': "):
        Settings.from_env({variable: text})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({"PORT": "x", "WORKERS": "0", "MODELS": "A"})
    assert [line.split("=")[0] for line in str(raised.value).splitlines()] == ["MODELS", "PORT", "WORKERS"]
