import json
import sys

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from serving.contract.encoders.text import Text
from serving.contract.encoders.tokenizers.tokenizer_file import TokenizerFile
from serving.contract.faults import Faults
from serving.errors import ContractError

UNKNOWN = "[UNK]"
TRAINING = ["The film was good, and the end was better.", "Films of sch\xf6ne Bilder", "the good, the bad"] * 3


def trained(model, trainer, pre_tokenizer):
    library = tokenizers.Tokenizer(model)
    library.normalizer = normalizers.Lowercase()
    library.pre_tokenizer = pre_tokenizer
    library.train_from_iterator(TRAINING, trainer)
    return library


def wordpiece():
    special = ["[PAD]", UNKNOWN, "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    library = trained(models.WordPiece(unk_token=UNKNOWN), trainer, pre_tokenizers.BertPreTokenizer())
    ends = [(token, library.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    library.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return library


def bpe():
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    library = trained(models.BPE(), trainer, pre_tokenizers.ByteLevel())
    library.decoder = decoders.ByteLevel()
    return library


def unigram():
    trainer = trainers.UnigramTrainer(
        vocab_size=40, special_tokens=["<pad>", UNKNOWN], unk_token=UNKNOWN, show_progress=False
    )
    return trained(models.Unigram(), trainer, pre_tokenizers.Metaspace())


LIBRARIES = {make.__name__: make() for make in (wordpiece, bpe, unigram)}


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "tokenizer.json"
        path.write_text(content if isinstance(content, str) else content.to_str(), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize("name", LIBRARIES)
@settings(deadline=None, max_examples=40)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(TRAINING)).map(" ".join),
    length=st.integers(3, 40),
    keep=st.sampled_from(["beginning", "end"]),
)
def test_ids_are_those_of_the_library_truncated_and_padded_by_it(name, text, length, keep):
    library = tokenizers.Tokenizer.from_str(LIBRARIES[name].to_str())
    padding = {"wordpiece": 0, "bpe": library.get_vocab_size(), "unigram": 0}[name]
    encoder = Text(TokenizerFile(library.to_str(), padding), length, keep, "empty")
    library.enable_truncation(length, direction="right" if keep == "beginning" else "left")
    library.enable_padding(length=length, pad_id=padding)
    again = Text.from_state(json.loads(json.dumps(encoder.to_state())))

    for one in (encoder, again):
        faults = Faults()
        assert one.encode(one.read([text], faults)).tolist() == [library.encode(text).ids]
        assert faults.count == 0
    assert again == encoder


def test_padding_is_what_the_file_says_or_an_id_of_its_own(file):
    padded = wordpiece()
    padded.enable_padding(pad_id=3)

    assert TokenizerFile.fit([], file=file(padded)).padding == 3
    assert TokenizerFile.fit([], file=file(LIBRARIES["wordpiece"])).padding == 0
    assert TokenizerFile.fit([], file=file(LIBRARIES["unigram"])).padding == 0
    fitted = TokenizerFile.fit([], file=file(LIBRARIES["bpe"]))
    assert fitted.padding == LIBRARIES["bpe"].get_vocab_size()
    assert fitted.size == fitted.padding + 1


def test_tokens_are_counted_without_special_ones_and_all_that_are_cut_off(file):
    text = Text.fit(TRAINING, tokenizer="file", file=file(LIBRARIES["wordpiece"]), length=4)
    column = text.read(["the good \u4e00 the good"], Faults())
    block = text.encode(column)
    measured = text.measured("text", column, block)

    assert text.measures("text") == ("tokens", "unknown_ratio")
    assert measured.values.tolist() == [[5, pytest.approx(0.2)]]
    assert block[0, 0] == 2
    assert block[0, -1] == 3
    assert measured.totals["vocabulary"].sum() == pytest.approx(2 / 5)  # of four ids, two are special


def test_half_a_surrogate_pair_is_read(file):
    fitted = TokenizerFile.fit([], file=file(LIBRARIES["bpe"]))

    assert fitted.read("a \ud800 b", 99, "beginning") == fitted.read("a \ufffd b", 99, "beginning")
    assert fitted.read("\ud83d\ude00", 99, "beginning") == fitted.read("\U0001f600", 99, "beginning")


def test_a_length_without_room_for_special_tokens_is_filled_all_the_same(file):
    text = Text.fit(TRAINING, tokenizer="file", file=file(LIBRARIES["wordpiece"]), length=1)

    assert text.encode(text.read(["the good"], Faults())).tolist() == [[2]]


def without_unknown():
    return tokenizers.Tokenizer(models.WordPiece({"a": 0}, unk_token=UNKNOWN))


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("", "expected a tokenizer.json: "),
        ("[]", "expected a tokenizer.json: "),
        ("{}", "expected a tokenizer.json: Model missing"),
        (LIBRARIES["bpe"].to_str()[:-9], "expected a tokenizer.json: "),
        (LIBRARIES["bpe"].to_str().replace('"dropout":null', '"dropout":0.1'), "without dropout"),
        (tokenizers.Tokenizer(models.WordLevel({"a": 0})).to_str(), "of WordPiece, BPE, Unigram, got WordLevel"),
        (without_unknown().to_str(), "the tokenizer failed: .*Missing .UNK. token"),
        (tokenizers.Tokenizer(models.Unigram([("a", -1.0)])).to_str(), "the tokenizer failed: .*unk_id"),
        ("\ud800", "expected a tokenizer.json: "),
    ],
    ids=range(9),
)
def test_a_file_that_can_not_be_used_is_refused_before_any_text_comes(definition, message):
    with pytest.raises(ValueError, match=message):
        TokenizerFile(definition, 0)


@pytest.mark.parametrize("padding", [-1, 10_000, "0", None, True])
def test_a_padding_that_is_no_id_is_refused(padding):
    with pytest.raises((ValueError, TypeError), match="padding: expected"):
        TokenizerFile.from_state({"definition": LIBRARIES["bpe"].to_str(), "padding": padding})


def test_a_file_that_is_too_large_is_refused(file, monkeypatch):
    monkeypatch.setattr("serving.contract.encoders.tokenizers.tokenizer_file.MOST_CHARACTERS", 99)

    with pytest.raises(ValueError, match="at most 99 characters"):
        TokenizerFile.fit([], file=file(LIBRARIES["bpe"]))


def test_a_missing_package_is_named(monkeypatch):
    state = {"kind": "file", "definition": LIBRARIES["bpe"].to_str(), "padding": 0}
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(ContractError, match="the package 'tokenizers' is missing: install it"):
        Text.from_state({"tokenizer": state, "length": 3, "keep": "end", "missing": "error"})


def test_a_text_on_which_the_library_fails_is_a_fault_of_its_row(monkeypatch):
    encoder = Text(TokenizerFile(LIBRARIES["bpe"].to_str(), 0), 3)

    class PanicException(BaseException):
        pass

    class Broken:
        def encode(self, text):
            raise PanicException("index out of bounds")

    monkeypatch.setitem(vars(encoder.tokenizer), "_library", Broken())
    faults = Faults()
    encoder.read(["a", None], faults)
    assert [(fault.row, fault.got) for fault in faults.first] == [
        (0, "the tokenizer failed: index out of bounds"),
        (1, "nothing"),
    ]
