"""The script that a text is written in: languages can't be told without a model of them, but scripts can."""

import unicodedata
from collections import Counter

LETTERS = 100
"""So many letters at the beginning of a text decide."""
_JOINED = {"CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}


def script_of(text: str) -> str:
    """Return the script of most letters of *text*, such as Latin or Arabic; "no letters" if it has none."""
    if text.isascii():
        return "Latin" if any(character.isalpha() for character in text) else "no letters"
    letters = [character for character in text[: 4 * LETTERS] if character.isalpha()][:LETTERS]
    if not letters:
        return "no letters"
    counts = Counter(unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters)
    if "HIRAGANA" in counts or "KATAKANA" in counts:  # beside which most letters may be Chinese ones
        return "Japanese"
    script = counts.most_common(1)[0][0]
    return _JOINED.get(script, script.capitalize())
