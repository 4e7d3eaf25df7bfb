import os
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec

from serving.gateway import setting_readers as readers
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import InvalidSettings, Settings
from tests.serving.certificates import Certificates
from tests.serving.registry.test_signatures import write_keys


def test_without_an_environment_the_defaults_hold() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"PORT": "", "MODELS": ""}) == Settings()


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    return Certificates.issued(trustme.CA(), tmp_path / "tls", "gateway")


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "api-keys"
    path.write_text(f"{make_key('alice')[1]}\n")
    return path


def test_every_setting_is_read(files: Certificates, keys_file: Path) -> None:
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
        "MAX_DECODED_BYTES": "9000000",
        "MAX_JSON_DEPTH": "7",
        "BIND": "::",
        "PORT": "80",
        "GRPC_PORT": "8001",
        "WORKERS": "4",
        "THREADS": "16",
        "MAX_CONNECTIONS": "1000",
        "MAX_CONNECTIONS_PER_ADDRESS": "10",
        "HEADER_SECONDS": "3",
        "BODY_SECONDS": "4.5",
        "MAX_CONCURRENCY": "5",
        "MAX_QUEUE": "0",
        "MAX_BATCH_ROWS": "1",
        "MAX_BATCH_BYTES": "1000",
        "MAX_BATCH_CALLS": "2",
        "MAX_LARGE_CALLS": "3",
        "CANARY": "digits:4=5, digits:3=2.5, topic:7=10%",
        "SHADOW": "digits:4=0,topic:8=20",
        "EXPLAIN_BUDGET": "100",
        "DRAIN_SECONDS": "0",
        "CAPTURE": "s3://bucket/captures",
        "CAPTURE_SHARE": "0.1, sentiment=1",
        "CAPTURE_ERRORS_SHARE": "0.5",
        "CAPTURE_LOW_SCORE": "0.6=1",
        "CAPTURE_PART_SECONDS": "30",
        "CAPTURE_MAX_AGE": "12h",
        "CAPTURE_MAX_BYTES": "1000",
        "CAPTURE_HASH_KEY_FILE": str(keys_file),
        "MODEL_SERVER_CA": str(files.ca),
        "MODEL_SERVER_CERT": str(files.cert),
        "MODEL_SERVER_KEY": str(files.key),
        "MODEL_SERVER_NAME": "tf-serving",
        "API_KEYS_FILE": str(keys_file),
        "RATE_LIMIT": "10/second;1000/hour",
        "CORS_ORIGINS": "https://app.example, http://localhost:3000",
        "LOG_FORMAT": "json",
        "ACCESS_LOG": "off",
        "TRACING": "on",
        "PIN_WORKERS": "on",
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
        max_decoded_bytes=9_000_000,
        max_json_depth=7,
        bind="::",
        port=80,
        grpc_port=8001,
        workers=4,
        threads=16,
        max_connections=1000,
        max_connections_per_address=10,
        header_seconds=3,
        body_seconds=4.5,
        max_concurrency=5,
        max_queue=0,
        max_batch_rows=1,
        max_batch_bytes=1000,
        max_batch_calls=2,
        max_large_calls=3,
        canary={"digits": {4: 5.0, 3: 2.5}, "topic": {7: 10.0}},
        shadow={"digits": {4: 0.0}, "topic": {8: 20.0}},
        explain_budget=100,
        drain_seconds=0,
        capture="s3://bucket/captures",
        capture_share={"*": 0.1, "sentiment": 1.0},
        capture_errors_share=0.5,
        capture_low_score=(0.6, 1.0),
        capture_part_seconds=30.0,
        capture_max_age=timedelta(hours=12),
        capture_max_bytes=1000,
        capture_hash_key_file=keys_file,
        model_server_ca=files.ca,
        model_server_cert=files.cert,
        model_server_key=files.key,
        model_server_name="tf-serving",
        api_keys_file=keys_file,
        rate_limit="10/second;1000/hour",
        cors_origins=("https://app.example", "http://localhost:3000"),
        log_format="json",
        access_log=False,
        tracing=True,
        pin_workers=True,
        metrics_dir=Path("/metrics"),
    )
    assert len(environment) == len(fields(Settings)) - len({"models_dir", "require_signature", "canary_file"})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("MODEL_SERVER", text) for text in ("localhost", ":8500", "localhost:", "localhost:x", "http://a:1", "a:0")),
        ("MODELS_DIR", "/no/such/folder"),
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
        *(("SHADOW", text) for text in ("digits:4", "digits:4=101", "digits:4=60,digits:5=41", "zebra:1=5")),
        *(("WORKERS", text) for text in ("0", "-1", "1.5", "many")),
        *(("DRAIN_SECONDS", text) for text in ("-1", "nan", "3601", "soon")),
        *(("CAPTURE", text) for text in (__file__, "nosuch://bucket")),
        *(("CAPTURE_SHARE", text) for text in ("1.1", "nan", "0.1,0.2", "A=1", "sentiment=", "=1")),
        *(("CAPTURE_LOW_SCORE", text) for text in ("0.6", "0.6=2", "=1")),
        *(("CAPTURE_MAX_AGE", text) for text in ("30", "0d", "d", "1w")),
        ("CAPTURE_HASH_KEY_FILE", "/no/such/file"),
        *(("LOG_FORMAT", text) for text in ("JSON", "xml")),
        *(("ACCESS_LOG", text) for text in ("yes", "2")),
        *(("TRACING", text) for text in ("otlp",)),
        *(
            ("CORS_ORIGINS", text)
            for text in (
                *("app.example", "https://app.example/", "https://App.example", "https://*.example", "null", ","),
                *("https://app.example:443", "http://app.example:80", "http://a:0", "http://a:99999", "ftp://a"),
                *(
                    "https://bücher.example",
                    "*,https://a",
                    "https://a,https://a",
                    "https://a https://b",
                ),
                *("https://a?b", "https://", "https://a..b", "file://", "http://a:08080"),
            )
        ),
        *(("RATE_LIMIT", text) for text in ("fast", "10", "10/second;x")),
        *((name, "/no/such/file") for name in ("API_KEYS_FILE", "MODEL_SERVER_CA", "MODEL_SERVER_CERT")),
        ("MODEL_SERVER_KEY", "/"),
    ],
)
def test_what_can_not_be_used_is_refused(variable: str, text: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"^{variable}='{re.escape(text)}': "):
        Settings.from_env({variable: text})


def test_keys_of_signatures_are_read_and_need_a_folder_of_models(tmp_path: Path) -> None:
    (private, first), (_, second) = (write_keys(tmp_path, name, ec.SECP256R1()) for name in ("a", "b"))
    settings = Settings.from_env({"MODELS_DIR": str(tmp_path), "REQUIRE_SIGNATURE": f"{first}, {second}"})
    assert settings.require_signature == (first, second)
    with pytest.raises(InvalidSettings, match=r"a\.key: expected a public key of the elliptic curve P-256"):
        Settings.from_env({"MODELS_DIR": str(tmp_path), "REQUIRE_SIGNATURE": str(private)})
    for more in ({}, {"MODELS_DIR": str(tmp_path), "MODELS": "*", "MODEL_SERVER": "a:1"}):
        with pytest.raises(InvalidSettings, match=r"REQUIRE_SIGNATURE=.*: needs MODELS_DIR without MODEL_SERVER"):
            Settings.from_env({"REQUIRE_SIGNATURE": str(first), **more})


def test_an_origin_has_no_user_and_none_is_repeated() -> None:
    with pytest.raises(InvalidSettings, match=r"^CORS_ORIGINS='https://\*\*\*@a': expected origins"):
        Settings.from_env({"CORS_ORIGINS": "https://user@a"})


def test_a_folder_of_models_is_instead_of_a_model_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_env({"MODELS_DIR": str(tmp_path)}).models_dir == tmp_path
    with pytest.raises(InvalidSettings, match="MODEL_SERVER='a:1': has no effect with MODELS_DIR"):
        Settings.from_env({"MODELS_DIR": str(tmp_path), "MODEL_SERVER": "a:1"})
    monkeypatch.setattr("serving.gateway.settings.can_compute", lambda: False)
    with pytest.raises(InvalidSettings, match="needs LiteRT or TensorFlow"):
        Settings.from_env({"MODELS_DIR": str(tmp_path)})


def test_a_folder_is_followed_unless_models_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = {"MODELS_DIR": str(tmp_path)}
    for settings in ({}, {"MODELS": ""}, {"MODELS": "*"}, {"MODELS": " * ", "CANARY": "later:2=5"}):
        read = Settings.from_env({**folder, **settings})
        assert (read.follows_folder, read.runs_models) == (True, True)
    listed = Settings.from_env({**folder, "MODELS": "digits"})
    assert (listed.models, listed.follows_folder, listed.runs_models) == (("digits",), False, True)
    assert not Settings.from_env({}).follows_folder
    monkeypatch.setattr(readers, "find_spec", lambda name: None)  # which only who runs models needs
    for server in ("a:1", Settings.model_server):
        behind = Settings.from_env({**folder, "MODELS": "*", "MODEL_SERVER": server})
        assert (behind.follows_folder, behind.runs_models, behind.model_server) == (True, False, server)
    with pytest.raises(InvalidSettings, match=r"MODELS='\*': needs MODELS_DIR too"):
        Settings.from_env({"MODELS": "*", "MODEL_SERVER": "a:1"})


def test_a_weights_document_is_read_before_anything_starts_and_is_the_only_one(tmp_path: Path) -> None:
    document = tmp_path / "weights"
    document.write_text("sentiment=4\n")
    assert Settings.from_env({"CANARY_FILE": str(document)}).canary_file == document
    with pytest.raises(InvalidSettings, match="CANARY='digits:4=5': has no effect with CANARY_FILE"):
        Settings.from_env({"CANARY_FILE": str(document), "CANARY": "digits:4=5"})
    document.write_text("# of today\nsentiment:4\n")
    with pytest.raises(InvalidSettings, match=r"CANARY_FILE=.*: line 2: expected model=version"):
        Settings.from_env({"CANARY_FILE": str(document)})
    with pytest.raises(InvalidSettings, match=r"CANARY_FILE=.*: expected a file that can be read: No such file"):
        Settings.from_env({"CANARY_FILE": str(tmp_path / "missing")})


def test_a_canary_of_a_model_that_is_not_served_is_named() -> None:
    with pytest.raises(InvalidSettings, match="topic is not one of MODELS"):
        Settings.from_env({"MODELS": "digits", "CANARY": "topic:7=10"})


def test_pages_of_any_origin_are_answered_only_where_no_key_is_needed(keys_file: Path) -> None:
    assert Settings.from_env({"CORS_ORIGINS": "*"}).cors_origins == ("*",)
    assert Settings.from_env({"CORS_ORIGINS": "http://[::1]:3000"}).cors_origins == ("http://[::1]:3000",)
    with pytest.raises(InvalidSettings, match=r"^CORS_ORIGINS='\*': lets any page try keys; expected exact origins"):
        Settings.from_env({"CORS_ORIGINS": "*", "API_KEYS_FILE": str(keys_file)})


def test_what_means_nothing_without_another_setting_is_refused(files: Certificates) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({"MODEL_SERVER_CERT": str(files.cert), "MODEL_SERVER_NAME": "a", "RATE_LIMIT": "1/second"})
    assert str(raised.value).splitlines() == [
        f"MODEL_SERVER_CERT='{files.cert}': needs MODEL_SERVER_KEY too",
        f"MODEL_SERVER_CERT='{files.cert}': needs MODEL_SERVER_CA too",
        "MODEL_SERVER_NAME='a': needs MODEL_SERVER_CA too",
        "RATE_LIMIT='1/second': needs API_KEYS_FILE too",
    ]


def test_files_that_can_be_read_but_not_used_are_refused(files: Certificates, keys_file: Path) -> None:
    tls = {"MODEL_SERVER_CA": files.key, "MODEL_SERVER_CERT": files.cert, "MODEL_SERVER_KEY": files.ca}
    keys_file.write_text("alice: plumbline_secret\n")
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({name: str(path) for name, path in {**tls, "API_KEYS_FILE": keys_file}.items()})
    told = str(raised.value)
    assert [line.split("=")[0] for line in told.splitlines()] == [
        "API_KEYS_FILE",
        "MODEL_SERVER_CA",
        "MODEL_SERVER_CERT",
    ]
    assert "plumbline_secret" not in told


@pytest.mark.parametrize(
    "address", ["unix:/run/tfs", "ipv4:10.0.0.1:8500,10.0.0.2:8500", "ipv6:[::1]:8500", "dns://10.0.0.9/tfs:8500"]
)
def test_a_grpc_target_is_an_address(address: str) -> None:
    assert Settings.from_env({"MODEL_SERVER": address}).model_server == address


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_env({"PORT": "x", "WORKERS": "0", "MODELS": "A"})
    assert [line.split("=")[0] for line in str(raised.value).splitlines()] == ["MODELS", "PORT", "WORKERS"]


def test_a_system_without_affinity_refuses_to_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    assert not Settings.from_env({"PIN_WORKERS": "off"}).pin_workers
    with pytest.raises(InvalidSettings, match="PIN_WORKERS='on': this system does not let a process"):
        Settings.from_env({"PIN_WORKERS": "on"})
