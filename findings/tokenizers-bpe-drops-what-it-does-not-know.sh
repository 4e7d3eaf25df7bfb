#!/usr/bin/env bash
# Guess: A character that a BPE tokenizer does not know is [UNK], which its vocabulary has, or an error, as with
# WordLevel.
# Instead: Unless unk_token names it (the trainer adds it to the vocabulary and does not), the character is left
# out without a word: "3 % 0" reads as "3 0". Texts get shorter, and the share of unknown tokens, by which one
# would notice, is 0.
# Do: Pass unk_token to models.BPE, and encode a text of unknown characters in a test.
# Versions: tokenizers 0.23.3
# Output seen:
#   tokenizers 0.23.3
#   {'WordLevel': 'error', 'BPE': ['3', '0'], 'BPE, unk_token named': ['3', '[UNK]', '0']}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tokenizers==0.23.3
cd "$folder"

venv/bin/python - <<'PYTHON'
import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

print("tokenizers", tokenizers.__version__)


def outcome(model, trainer):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(["0 3 0 3"], trainer)
    assert "[UNK]" in tokenizer.get_vocab()
    try:
        return tokenizer.encode("3 % 0").tokens
    except Exception:
        return "error"


def special(kind):
    return kind(special_tokens=["[UNK]"], show_progress=False)


seen = {
    "WordLevel": outcome(models.WordLevel(), special(trainers.WordLevelTrainer)),
    "BPE": outcome(models.BPE(), special(trainers.BpeTrainer)),
    "BPE, unk_token named": outcome(models.BPE(unk_token="[UNK]"), special(trainers.BpeTrainer)),
}
print(seen)
assert seen["BPE"] == ["3", "0"] and seen["BPE, unk_token named"] == ["3", "[UNK]", "0"]
assert seen["WordLevel"] != seen["BPE"]
PYTHON
