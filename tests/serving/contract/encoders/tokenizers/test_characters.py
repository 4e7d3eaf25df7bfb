import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.encoders.tokenizers.characters import Characters


def test_characters_are_ranked_and_looked_up():
    fitted = Characters.fit(["ba b", "B a!"], num_words=5)

    assert fitted == Characters("b a")
    assert fitted.size == 5
    assert fitted.read("AB? ", 9, "beginning") == ([4, 2, 1, 3], 4, 3)
    assert fitted.read("AB? ", 2, "end") == ([1, 3], 4, 3)
    assert fitted.bucket_names[:4] == ("b", "U+0020", "a", "other 3")


def test_case_is_kept_where_it_says_something():
    assert Characters.fit(["aAA"], fold=False) == Characters("Aa", fold=False)


def test_accents_are_composed_with_or_without_case():
    for fold in (True, False):
        assert Characters.fit(["e\u0301"], fold=fold).characters == "\xe9"
        assert Characters("\xe9", fold).read("e\u0301", 9, "beginning") == ([2], 1, 1)


@settings(deadline=None)
@given(st.lists(st.text()))
def test_any_characters_can_be_written_to_a_file(texts):
    fitted = Characters.fit([*texts, "\ud800"])

    assert fitted.characters.encode().decode() == fitted.characters
    assert Characters.from_state(fitted.to_state()) == fitted


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"characters": "aa", "fold": True}, "differ from each other"),
        ({"characters": ["a"], "fold": True}, "characters: expected a text"),
        ({"characters": "a", "fold": 1}, "fold: expected true or false"),
        ({"characters": "a"}, "fold"),
    ],
)
def test_a_state_that_is_another_is_refused(state, message):
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        Characters.from_state(state)
