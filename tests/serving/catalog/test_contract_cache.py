from serving.catalog import Contracts
from serving.contract import InstanceLimits
from tests.serving.contracts import text_contract

DOCUMENT = text_contract().to_json().encode()
LIMITS = InstanceLimits(text_characters=77, image_pixels=1, image_bytes=1)


def test_a_contract_is_read_as_it_is_obeyed_within_the_limits() -> None:
    assert Contracts(LIMITS).read(DOCUMENT)[0].record == text_contract().record.limited(LIMITS)
    contract, document = Contracts().read(DOCUMENT)
    assert contract.to_json().encode() == DOCUMENT == document


def test_what_is_kept_is_not_read_again() -> None:
    contracts = Contracts(LIMITS)
    assert contracts.read(DOCUMENT)[0] is not contracts.read(DOCUMENT)[0]
    contracts.keep(DOCUMENT)
    contract, document = contracts.read(bytes(bytearray(DOCUMENT)))
    assert contract is contracts.read(DOCUMENT)[0]
    assert document is DOCUMENT
    assert contract.record == text_contract().record.limited(LIMITS)
