from serving.catalog import Contracts
from serving.contract import InstanceLimits
from tests.serving.contracts import text_contract

DOCUMENT = text_contract().to_json().encode()
LIMITS = InstanceLimits(text_characters=77, image_pixels=1, image_bytes=1)


def test_a_contract_is_read_as_it_is_obeyed_within_the_limits() -> None:
    assert Contracts(LIMITS).read(DOCUMENT).preprocessor == text_contract().preprocessor.limited(LIMITS)
    assert Contracts().read(DOCUMENT).to_json() == text_contract().to_json()


def test_what_is_kept_is_not_read_again() -> None:
    contracts = Contracts(LIMITS)
    assert contracts.read(DOCUMENT) is not contracts.read(DOCUMENT)
    contracts.keep(DOCUMENT)
    assert contracts.read(bytes(bytearray(DOCUMENT))) is contracts.read(DOCUMENT)
    assert contracts.read(DOCUMENT).preprocessor == text_contract().preprocessor.limited(LIMITS)
