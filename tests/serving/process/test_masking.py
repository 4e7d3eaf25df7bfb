import pytest

from serving.process.masking import has_password, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MODEL_SERVER='http://me:hidden@host:1': expected", "MODEL_SERVER='http://***@host:1': expected"),
        ("at https://token-hidden@host/a?b=1", "at https://***@host/a?b=1"),
        ("API_KEYS_FILE='plumbline_hidden-hidden_hidden-hidden': no file", "API_KEYS_FILE='***': no file"),
        ("KEY='-----BEGIN PRIVATE KEY-----\\nhidden\\n': no file", "KEY='***': no file"),
        ("s3://bucket/a@b and me@host.example", "s3://bucket/a@b and me@host.example"),
        ("plumbline_gateway", "plumbline_gateway"),
    ],
)
def test_what_is_secret_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_an_address_tells_whether_it_has_a_password() -> None:
    assert has_password("https://me:hidden@host/a")
    assert has_password("S3://hidden@bucket")
    assert not has_password("https://host/a@b")
    assert not has_password("rows@home.csv")
