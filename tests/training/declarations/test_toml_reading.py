"""What a declaration may say; what it may not is refused with its place in the file."""

import pytest
from PIL import Image

from tests.training.declarations.tables import shop, write
from training.declarations.places import line_of
from training.declarations.task import declared_task
from training.errors import BadRequest
from training.networks.mixed import Mixed
from training.validation import KFold, TimeOrdered

GOOD = """\
[data]
file = "shop.csv"
na = ["NA"]

[target]
column = "returned"

[fields.price]
kind = "number"
scale = "log"

[fields.colour]
kind = "category"
"""


def read(tmp_path, text, data=None):
    write(tmp_path, "shop.csv", data or shop())
    path = write(tmp_path, "shop.toml", text)
    return declared_task(path)


def test_what_is_not_said_suits_the_data(tmp_path):
    name, task = read(tmp_path, GOOD)
    data = task.load(None)

    assert (name, task.problem.name, data.labels) == ("shop", "binary", ("no", "yes"))
    assert (len(data.train), len(data.test)) == (96, 24)
    assert task.protocol == KFold(4)
    assert data.train.instances[3]["price"] is None
    assert data.notes[0] == "shop.csv: 120 rows: 96 to train, 24 to test"
    assert data.notes[1].startswith("2 classes: no ")
    assert data.notes[2] == "gaps: price 7, colour 5"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "number"', 'kind = "numbr"', ', line 9: [fields.price] kind: unknown kind; did you mean "number"?'),
        ('scale = "log"', 'scael = "log"', ', line 10: [fields.price] scael: unknown; did you mean "scale"?'),
        ('scale = "log"', 'scale = "lug"', ", line 10: [fields.price] scale: expected one of 'none', 'standard'"),
        ('scale = "log"', "scale = 3", "got 3"),
        ('scale = "log"', 'capture = "no"', ", line 10: [fields.price] capture: expected one of keep, hash, drop, got"),
        ('scale = "log"', 'flag = "yes"', '[fields.price] flag: expected true or false, got "yes"'),
        (
            "[fields.price]",
            "[fields.prize]",
            ', line 8: [fields] prize: shop.csv has no column "prize"; did you mean "price"?',
        ),
        ('column = "returned"', 'column = "return"', 'did you mean "returned"?'),
        ('column = "returned"', 'collumn = "returned"', ', line 6: [target] collumn: unknown; did you mean "column"?'),
        ("[data]", "[dat]", ', line 1: [dat]: unknown; did you mean "data"?'),
        ('na = ["NA"]', 'na = "NA"', ", line 3: [data] na: expected a list [...], each a text in quotes"),
        ('na = ["NA"]', "na = []", 'row 4, column "price": expected a number, got "NA"; if this stands for a gap'),
        ('file = "shop.csv"', 'file = "none.csv"', "none.csv: expected a file, found none"),
        ('file = "shop.csv"', 'separator = ";"', ", line 1: [data]: expected either file or folder"),
        ('na = ["NA"]', 'na = ["NA"', "expected TOML: "),
        ("[target]", 'name = "Shop"\n[target]', "[data] name: unknown"),
        ("[data]", 'name = "Shop"\n[data]', "\"Shop\" can't be a model's name"),
        ("[data]", "[split]\ntest = 2\n[data]", ", line 2: [split] test: expected a share between 0 and 1, got 2"),
        ("[data]", '[split]\nby = "time"\n[data]', 'by = "time" needs a column'),
        (
            "[data]",
            '[split]\nby = "time"\ncolumn = "note"\n[data]',
            "expected dates or numbers to split by time, got texts",
        ),
        ("[data]", '[protocol]\nname = "kfolds"\n[data]', "[protocol] name: expected one of 'holdout', 'kfold'"),
        ("[data]", '[protocol]\nname = "kfold"\nfolds = 1\n[data]', "expected at least 2, got 1"),
        ("[data]", '[protocol]\nname = "kfold"\nshare = 0.5\n[data]', "share is not an option of kfold"),
        ("[data]", '[recipe]\nname = "mixt"\n[data]', '[recipe] name: unknown recipe; did you mean "mixed"?'),
        ("[data]", "[recipe]\nunit = [3]\n[data]", ', line 2: [recipe] unit: unknown; did you mean "units"?'),
        ("[data]", "[recipe]\nunits = 3\n[data]", "[recipe] units: expected a list [...], each a whole number, got 3"),
        ("[data]", "[recipe]\ndropout = 3\n[data]", "[recipe]: l1 and l2 must be at least 0, dropout at least 0"),
        (
            "[data]",
            '[recipe]\nname = "transfer"\n[data]',
            "expected one of mixed, recurrent, convolutions for these fields",
        ),
        (
            'column = "returned"',
            'column = "returned"\nlabels = ["no", "ja"]',
            'column "returned" has "yes"; there is no, ja',
        ),
        ('column = "returned"', 'column = "returned"\nproblem = "regression"', "expected numbers in column"),
        ('column = "returned"', 'column = "note"', "different texts in 120 rows"),
        ('column = "returned"', 'column = "returned"\nunit = "kg"', "[target] unit: is not for the problem binary"),
        ('[fields.colour]\nkind = "category"', '[fields.returned]\nkind = "category"', "is the target"),
        (
            '[fields.colour]\nkind = "category"',
            '[fields.colour]\nkind = "image"\nheight = 9\nwidth = 9',
            "expected rows with a picture, found none: shop.csv, row 1",
        ),
        (
            '[fields.colour]\nkind = "category"',
            '[fields.note]\nkind = "text"\ntokenizer = ["words"]',
            "unknown tokenizer",
        ),
        (
            '[fields.colour]\nkind = "category"',
            '[fields.note]\nkind = "text"\ntokenizer = "words"',
            "unknown tokenizer; there is keras",
        ),
        (
            '[fields.colour]\nkind = "category"',
            '[fields.note]\nkind = "text"\ntokenizer = "file"\nfile = "t.json"',
            "[fields.note] file: expected a file, found none: t.json",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(BadRequest) as raised:
        read(tmp_path, GOOD.replace(old, new))

    assert message in str(raised.value)
    assert str(tmp_path) in str(raised.value) or "shop.csv" in str(raised.value)


PHOTOS = """\
[data]
folder = "zoo"

[fields.image]
kind = "image"
height = 24
width = 24

[recipe]
name = "convnet"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("height = 24", "height = 0", ", line 4: [fields] image: height: expected"),
        ("height = 24\n", "", ", line 4: [fields] image: expected height = ..., such as 224"),
        ("height = 24", "heigth = 24", 'did you mean "height"?'),
        ("height = 24", 'height = 24\nframing = "cut"', "framing: expected one of 'squeeze', 'crop', 'pad'"),
        ("[fields.image]", "[fields.photo]", "a folder of photos has one field: [fields.image]"),
        ("[recipe]", "[recipe]\nheight = 3", "[recipe] height: unknown"),
        ('"convnet"', '"mixed"', "expected one of transfer, convnet for these fields"),
        ('"convnet"', '"transfer"\n[target]\nlabels = ["ant", "bea"]', 'has a sub-folder bee; did you mean "bea"?'),
        ('"convnet"', '"convnet"\n[target]\nlabels = ["ant", "bee", "cow"]', "has no sub-folder cow"),
        ('"convnet"', '"convnet"\n[target]\ncolumn = "x"', "[target] column: is for tables"),
        ('"convnet"', '"convnet"\n[split]\nby = "time"\ncolumn = "x"', "photos are split at random"),
        (
            'width = 24\n\n[recipe]\nname = "convnet"',
            'width = 24\ncolour = "L"\n',
            "transfer needs pictures with colour",
        ),
        ('folder = "zoo"', 'folder = "none"', "expected a folder with a sub-folder of photos for each class"),
    ],
)
def test_a_mistake_about_photos_is_refused_with_its_place(tmp_path, old, new, message):
    for label in ("ant", "bee"):
        (tmp_path / "zoo" / label).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (24, 24), (number, 0, 0)).save(tmp_path / "zoo" / label / f"{number}.png")
    assert old in PHOTOS
    with pytest.raises(BadRequest) as raised:
        declared_task(write(tmp_path, "zoo.toml", PHOTOS.replace(old, new)))

    assert message in str(raised.value)


def test_the_stem_of_the_file_must_be_a_name_too(tmp_path):
    write(tmp_path, "shop.csv", shop())
    with pytest.raises(BadRequest, match=r'"My Shop" can.t be a model.s name.*name = "my_shop" at the top'):
        declared_task(write(tmp_path, "My Shop.toml", GOOD))


def test_a_key_is_found_wherever_it_stands():
    text = '# x = 1\n["a b"]\nx = """\n[c]\n"""\ny . z = 2\n\n[[list]]\n[c] # ]\n"=" = 1\n'

    assert line_of(text, ["a b", "x"]) == 3
    assert line_of(text, ["a b", "y", "z"]) == 6
    assert line_of(text, ["a b", "none"]) == 2
    assert line_of(text, ["c", "="]) == 10
    assert line_of(text, ["none"]) == 0


def test_whole_groups_are_for_the_test_and_for_validation(tmp_path):
    _, task = read(tmp_path, GOOD + '[split]\nby = "group"\ncolumn = "day"\n')
    data = task.load(None)

    assert not set(data.train.groups) & set(data.test.groups)
    assert len(data.train) + len(data.test) == 120
    assert 12 <= len(data.test) <= 40


def test_a_split_by_time_tests_on_the_last_rows(tmp_path):
    text = GOOD.replace("[fields.colour]", "[fields.day]").replace('"category"', '"date"')
    _, task = read(tmp_path, text + '[split]\nby = "time"\ncolumn = "day"\n')
    data = task.load(None)

    days = [row["day"] for row in data.train.instances]
    assert days == sorted(days)
    assert days[-1] < min(row["day"] for row in data.test.instances)
    assert task.protocol == TimeOrdered()


def test_rows_without_a_target_are_left_out_and_counted(tmp_path):
    lines = shop().splitlines()
    for row in (2, 3, 4):
        cells = lines[row].split(",")
        cells[6] = "NA"
        lines[row] = ",".join(cells)
    _, task = read(tmp_path, GOOD, "\n".join(lines))

    assert task.load(None).notes[0] == "shop.csv: 120 rows: 94 to train, 23 to test; 3 left out, which have no target"


def test_recipe_settings_and_gate_are_taken(tmp_path):
    more = "[recipe]\nunits = [8]\nepochs = 3\nl2 = 0\n[gate]\nfloor = 0.7\ntolerance = 0.01\n"
    _, task = read(tmp_path, GOOD + more)

    recipe = task.recipes["mixed"]
    assert isinstance(recipe, Mixed)
    assert (recipe.units, recipe.epochs, recipe.l2) == ((8,), 3, 0.0)
    assert (task.floor, task.regression_tolerance) == (0.7, 0.01)


def test_the_hash_is_of_what_the_file_says(tmp_path):
    sha = read(tmp_path, GOOD)[1].declared.sha256

    assert read(tmp_path, "# a comment\n" + GOOD)[1].declared.sha256 == sha
    assert read(tmp_path, GOOD.replace('"log"', '"standard"'))[1].declared.sha256 != sha
