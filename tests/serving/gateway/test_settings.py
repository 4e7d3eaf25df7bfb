import re
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
        "MAX_TEXT_CHARACTERS": "4",
        "MAX_IMAGE_PIXELS": "5",
        "MAX_IMAGE_BYTES": "6",
        "MAX_JSON_DEPTH": "7",
        "BIND": "::",
        "PORT": "80",
        "WORKERS": "4",
        "THREADS": "16",
        "MAX_CONCURRENCY": "5",
        "MAX_QUEUE": "0",
        "MAX_BATCH_ROWS": "1",
        "MAX_BATCH_BYTES": "1000",
        "MAX_BATCH_CALLS": "2",
        "CANARY": "digits:4=5, digits:3=2.5, topic:7=10%",
        "PROMETHEUS_MULTIPROC_DIR": "/metrics",
    }
    settings = Settings.from_env(environment)
    assert settings == Settings(
        model_server="tf-serving:9000",
        models=("digits", "topic"),
        deadline_seconds=2.5,
        refresh_seconds=0.5,
        max_body_bytes=1000,
        max_instances=3,
        max_text_characters=4,
        max_image_pixels=5,
        max_image_bytes=6,
        max_json_depth=7,
        bind="::",
        port=80,
        workers=4,
        threads=16,
        max_concurrency=5,
        max_queue=0,
        max_batch_rows=1,
        max_batch_bytes=1000,
        max_batch_calls=2,
        canary={"digits": {4: 5.0, 3: 2.5}, "topic": {7: 10.0}},
        metrics_dir=Path("/metrics"),
    )
    assert len(environment) == len(fields(Settings))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("MODEL_SERVER", text) for text in ("localhost", ":8500", "localhost:", "localhost:x", "http://a:1", "a:0")),
        *(("MODELS", text) for text in ("a,,b", "a b", "A", "a,a", "a/b", ",")),
        *(("DEADLINE_SECONDS", text) for text in ("0", "-1", "nan", "inf", "soon")),
        *(("PORT", text) for text in ("0", "65536", "-1", "http")),
        *(("MAX_QUEUE", text) for text in ("-1", "1.5", "many")),
        *(
            ("CANARY", text)
            for text in ("digits", "digits:4", "digits:four=5", "digits:4=", "digits:4=0", "digits:4=101")
        ),
        *(("CANARY", text) for text in ("digits:4=nan", "digits:4=5;topic:7=10", "digits:4=5,digits:4=6", "zebra:1=5")),
        *(("CANARY", text) for text in ("digits:4=60,digits:5=41", "digits:4=5,", "digits:-4=5")),
        *(("WORKERS", text) for text in ("0", "-1", "1.5", "many")),
    ],
)
def test_what_can_not_be_used_is_refused(variable: str, text: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"^{variable}='{re.escape(text)}': "):
        Settings.from_env({variable: text})


def test_a_canary_of_a_model_that_is_not_served_is_named() -> None:
    with pytest.raises(InvalidSettings, match="topic is not one of MODELS"):
        Settings.from_env({"MODELS": "digits", "CANARY": "topic:7=10"})


@pytest.mark.parametrize(
    "address", ["unix:/run/tfs", "ipv4:10.0.0.1:8500,10.0.0.2:8500", "ipv6:[::1]:8500", "dns://10.0.0.9/tfs:8500"]
)
def test_a_grpc_target_is_an_address(address: str) -> None:
    assert Settings.from_env({"MODEL_SERVER": address}).model_server == address


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({"PORT": "x", "WORKERS": "0", "MODELS": "A"})
    assert [line.split("=")[0] for line in str(raised.value).splitlines()] == ["MODELS", "PORT", "WORKERS"]
