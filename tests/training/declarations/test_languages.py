"""Texts in any language: which tokenizer `plumbline new` chooses by their script, and that a model learns from them."""

import json
import random

import numpy as np
import pytest

from serving.contract.encoders import Text
from tests.training.declarations.tables import write
from tests.training.declarations.test_new import looked
from training.declarations.task import declared_task
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment

GOOD_BAD = {
    "chinese": ("我觉得这家饭馆的菜很好吃", "我觉得这家饭馆的菜不好吃", "再见{}号"),
    "japanese": (
        "このレストランの料理はとても美味しかったです",
        "このレストランの料理は美味しくなかったです",
        "第{}回",
    ),
    "thai": ("อาหารร้านนี้อร่อยมากจริงๆ", "อาหารร้านนี้ไม่อร่อยเลยจริงๆ", "ครั้งที่{}"),
    "khmer": ("អាហារនេះឆ្ងាញ់ណាស់", "អាហារនេះមិនឆ្ងាញ់ទេ", "លើកទី{}"),
    "german": (
        "Das Essen in dem Lokal war wirklich köstlich",
        "Das Essen in dem Lokal war wirklich scheußlich",
        "zum {}.",
    ),
    "arabic": ("كان الطعام في هذا المطعم لذيذا", "كان الطعام في هذا المطعم سيئا", "للمرة {}"),
    "korean": ("이 식당의 음식은 정말 맛있었어요", "이 식당의 음식은 정말 맛없었어요", "{}번째"),
    "hindi": ("इस जगह का खाना बहुत अच्छा था", "इस जगह का खाना बहुत खराब था", "{} बार"),
}
PIECES = {"chinese", "japanese", "thai", "khmer"}


def rows_of(good: str, bad: str, ending: str) -> str:
    rng, space = random.Random(1), " " if " " in good else ""
    texts = [f"{(bad, good)[row % 2]}{space}{ending.format(rng.randrange(10_000))}" for row in range(120)]
    rows = ({"text": text, "y": "ng"[row % 2]} for row, text in enumerate(texts))
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


@pytest.mark.parametrize("language", GOOD_BAD)
def test_words_where_spaces_are_and_pieces_where_none_are(tmp_path, language):
    told, document = looked(tmp_path, write(tmp_path, "texts.jsonl", rows_of(*GOOD_BAD[language])))

    field = document["fields"]["text"]
    assert field["kind"] == "text"
    assert field.get("tokenizer", "unicode") == ("hashed_ngrams" if language in PIECES else "unicode")
    assert ("no spaces between words" in told) == (language in PIECES)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("iPhone 15 很好用、电池也不错、我给五分", True),
        ("We went to 東京 last week and liked the food there a lot", False),
        ("ฉันชอบ KFC มากกว่า McDonald's", True),
        ("+++ 12345 +++ 67890 +++ !!! ??? 1 2 3 4 5 6 7 8 9 10 11 12", False),
    ],
)
def test_of_mixed_scripts_the_letters_decide(tmp_path, text, pieces):
    rows = "\n".join(json.dumps({"text": f"{text} {row * 37}", "y": "ab"[row % 2]}) for row in range(60))
    _, document = looked(tmp_path, write(tmp_path, "texts.jsonl", rows))

    assert (document["fields"]["text"].get("tokenizer") == "hashed_ngrams") == pieces


@pytest.mark.parametrize(("repeats", "length"), [(40, 3 * (40 * 12 + 2)), (400, 6_000)])
def test_long_texts_of_pieces_are_read_whole_up_to_a_limit(tmp_path, repeats, length):
    texts = ["这家饭馆的饺子很好吃、真" * repeats + chr(0x4E00 + row) for row in range(60)]
    rows = (json.dumps({"text": text, "y": "ab"[row % 2]}) for row, text in enumerate(texts))
    _, document = looked(tmp_path, write(tmp_path, "texts.jsonl", "\n".join(rows)))

    assert document["fields"]["text"]["length"] == length


def test_the_opposite_with_one_character_more_is_learnt(tmp_path):
    foods, likes = ("饺子", "牛肉面", "烤鸭", "青菜", "羊肉汤"), ("好吃", "新鲜", "够热", "值得再点")
    shapes = [("{}不是{}、是{}", 0), ("{}是{}、不是{}", 1)]
    opposites = ("难吃", "太咸", "太凉", "太贵")
    rows = [
        {"text": shape.format(food, like, opposite) + "。" * (number % 3), "y": ("bad", "good")[good]}
        for number, (food, like, opposite) in enumerate((f, x, y) for f in foods for x in likes for y in opposites)
        for shape, good in shapes
    ]
    looked(tmp_path, write(tmp_path, "texts.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)))
    task = declared_task(tmp_path / "out.toml")[1]
    data = task.load(None)
    experiment = Experiment("texts", task, data, Execution(seed=1), lambda line: None)
    fitted = experiment.fit(task.recipes["mixed"], data.train)

    assert isinstance(fitted.record.fields["text"], Text)
    scores = fitted.outputs(data.test.instances)["scores"]
    assert np.mean((scores[:, 0] >= 0.5) == data.test.targets) > 0.95
