"""`plumbline new` on files as other programs write them: what it tells, and what it writes."""

import json
import subprocess
import sys
import tomllib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from serving.process.exit_codes import ExitCode
from tests.training.declarations.tables import run_new, shop, write


def looked(tmp_path, data, *options):
    """Run the command; return what it told and the document that it wrote."""
    output = tmp_path / "out.toml"
    done = run_new(data, *options, "--output", output)
    assert done.exit_code == 0, done.output
    return done.output, tomllib.loads(output.read_text("utf-8"))


@pytest.mark.parametrize(
    ("separator", "decimal", "gap", "encoding"),
    [
        (",", ".", "NA", "utf-8"),
        (";", ",", "k.A.", "utf-8"),
        ("\t", ".", "?", "utf-8-sig"),
        ("|", ",", "-", "utf-16"),
        (";", ",", "", "cp1252"),
    ],
)
def test_how_a_csv_file_is_written_is_found_out(tmp_path, separator, decimal, gap, encoding):
    text = shop(separator=separator, decimal=decimal, gap=gap).replace("Main Street", "Südstraße")
    told, document = looked(tmp_path, write(tmp_path, "shop.csv", text, encoding), "--target", "returned")

    data = document["data"]
    assert (data["separator"], data["decimal"], gap in data["na"]) == (separator, decimal, True)
    assert data.get("encoding", "utf-8") == encoding.removesuffix("-sig")
    assert document["fields"]["price"]["kind"] == "number"
    assert '"price": number; 7 gaps' in told
    assert document["fields"]["colour"]["kind"] == "category"
    assert document["fields"]["day"]["kind"] == "date"


def test_what_is_left_out_is_listed_with_the_reason(tmp_path):
    told, document = looked(tmp_path, write(tmp_path, "shop.csv", shop()), "--target", "returned")

    assert {"order_id", "shop", "came_back"}.isdisjoint(document["fields"])
    for name, reason in (
        ("order_id", "identifier"),
        ("shop", "constant"),
        ("came_back", "leaks the target: one-to-one"),
    ):
        assert f'"{name}": {reason}' in told
        assert f'#   "{name}": {reason}' in (tmp_path / "out.toml").read_text("utf-8")


def test_a_column_that_nearly_tells_the_target_is_left_out_too(tmp_path):
    lines = shop(300).splitlines()
    lines[5] = lines[5][:-1] + ("J" if lines[5][-1] == "N" else "N")
    told, _ = looked(tmp_path, write(tmp_path, "shop.csv", "\n".join(lines)), "--target", "returned")

    assert '"came_back": leaks the target: nearly one-to-one (99.7% of the rows) with it' in told


def test_a_number_in_another_unit_tells_a_number(tmp_path):
    rows = "".join(f"{x * 37 % 101},{x * 37 % 101 * 2.54 + 1},{x * 7 % 13}\n" for x in range(100))
    told, document = looked(tmp_path, write(tmp_path, "inches.csv", "inch,cm,other\n" + rows), "--target", "cm")

    assert document["target"]["problem"] == "regression"
    assert '"inch": leaks the target: one-to-one with it' in told
    assert [*document["fields"]] == ["other"]


def test_a_column_that_alone_tells_the_class_is_kept_with_a_caution(tmp_path):
    rows = "".join(f"{x * 37 % 101},{'high' if x * 37 % 101 > 60 else 'low'}\n" for x in range(100))
    told, document = looked(tmp_path, write(tmp_path, "levels.csv", "level,class\n" + rows))

    assert [*document["fields"]] == ["level"]
    assert "CAUTION: alone it tells the class of every row" in told


def test_lists_of_tags_are_asked_for_beside_a_category(tmp_path):
    tags = [["x"], ["y"], ["x", "y"], []]
    rows = [
        {"kind": "ab"[row % 2], "code": f"k{row % 4}", "size": row % 5 + 0.5, "tags": tags[row % 4]}
        for row in range(80)
    ]
    data = write(tmp_path, "films.jsonl", "\n".join(map(json.dumps, rows)))
    told, document = looked(tmp_path, data, "--target", "tags")

    assert document["target"]["problem"] == "multilabel"
    assert [*document["fields"]] == ["kind", "size"]
    assert '"code": leaks the target: one-to-one with it' in told


@pytest.mark.parametrize(
    ("values", "problem", "labels"),
    [
        (["yes", "no"], "binary", ["no", "yes"]),
        (["True", "False"], "binary", ["false", "true"]),
        (["0", "1"], "binary", ["0", "1"]),
        (["a", "b", "c"], "multiclass", ["a", "b", "c"]),
        (["9", "10", "11"], "multiclass", ["9", "10", "11"]),
        ([str(number / 7) for number in range(80)], "regression", None),
        ([str(number * 3) for number in range(80)], "regression", None),
    ],
)
def test_the_target_says_what_is_asked(tmp_path, values, problem, labels):
    rng = np.random.default_rng(1)
    rows = "".join(f"{rng.normal():.3f},{values[row % len(values)]}\n" for row in range(80))
    told, document = looked(tmp_path, write(tmp_path, "t.csv", "x,y\n" + rows))

    assert document["target"]["problem"] == problem
    assert document["target"].get("labels") == labels
    assert f'target "y": {problem} (a guess: the last column' in told


def test_balance_and_classes_with_few_rows_are_told(tmp_path):
    rows = "".join(f"{row * 7 % 31}.5,{'b' if row % 10 == 0 else 'a'}\n" for row in range(90)) + "1.5,c\n2.5,\n"
    told, _ = looked(tmp_path, write(tmp_path, "t.csv", "x,y\n" + rows))

    assert "rows: a 81 (89%), b 9 (10%), c 1 (1%)" in told
    assert "too few rows to learn from: b 9, c 1" in told
    assert "1 rows have no target, and are left out" in told


def test_several_columns_of_0_and_1_are_tags(tmp_path):
    rows = "".join(f"{row * 7 % 31}.5,{row % 2},{row % 3 % 2}\n" for row in range(90))
    told, document = looked(tmp_path, write(tmp_path, "t.csv", "x,fun,sad\n" + rows), "--target", "fun,sad")

    assert document["target"] == {"columns": ["fun", "sad"], "problem": "multilabel"}
    assert "rows: fun 45" in told


def test_json_lines_have_tags_arrays_texts_and_gaps(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        {
            "tags": [["red", "round"], ["small"]][row % 2],
            "series": rng.normal(size=24).round(3).tolist(),
            "any_length": rng.normal(size=row % 5 + 1).round(3).tolist(),
            "review": f"这是第{row}个句子。这家饭馆的饺子很好吃",
            "deep": {"a": row},
            "kind": [None, "x", "y"][row % 3],
        }
        for row in range(60)
    ]
    data = write(tmp_path, "rows.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    told, document = looked(tmp_path, data)

    kinds = {name: part["kind"] for name, part in document["fields"].items()}
    assert kinds == {"tags": "tags", "series": "array", "any_length": "array", "review": "text"}
    assert document["fields"]["any_length"]["length"] == 5
    assert '"deep": nested objects' in told
    assert "20 rows have no target" in told


def test_parquet_has_its_own_types(tmp_path):
    table = pa.table(
        {
            "when": pa.array([row * 10**15 for row in range(40)], pa.timestamp("ns")),
            "size": pa.array([row * 7 % 31 / 3 for row in range(40)], pa.float32()),
            "kind": pa.array(["a", "b", "c", "b", "a"] * 8).dictionary_encode(),
            "raw": pa.array([b"x"] * 39 + [b"y"]),
            "good": pa.array([True, False, None, False] * 10),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    told, document = looked(tmp_path, tmp_path / "t.parquet")

    assert document["target"]["labels"] == ["false", "true"]
    assert {name: part["kind"] for name, part in document["fields"].items()} == {
        "when": "date",
        "size": "number",
        "kind": "category",
    }
    assert '"raw": values of several types' in told


def test_dates_as_people_write_them_have_a_format(tmp_path):
    rows = "".join(f"{row % 28 + 1}.{row % 12 + 1}.2026;{row % 2}\n" for row in range(60))
    told, document = looked(tmp_path, write(tmp_path, "t.csv", "day;y\n" + rows))

    assert document["fields"]["day"] == {"kind": "date", "format": "%d.%m.%Y"}
    assert "requests write dates as 2026-11-28" in told


def test_codes_with_leading_zeros_stay_texts(tmp_path):
    rows = "".join(f"0{row % 7}067,{row % 2}\n" for row in range(70))
    _, document = looked(tmp_path, write(tmp_path, "t.csv", "postcode,y\n" + rows))

    assert document["fields"]["postcode"]["kind"] == "category"


def test_names_of_any_characters_read_back(tmp_path):
    names = ['bill "length" (mm)', "Größe.x", "a]b", "# no", "tab\tname", "emoji 🐧", "back\\slash", "line\u2028end"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in [*names, "y"])
    rows = "".join(",".join([f"{row * 7 % 31}.5"] * len(names)) + f",{row % 2}\n" for row in range(60))
    _, document = looked(tmp_path, write(tmp_path, "t.csv", header + "\n" + rows))

    assert [*document["fields"]] == names


def test_a_line_break_in_a_name_or_value_stays_within_its_comment(tmp_path):
    rows = "".join(f'"a\nkind = 1",{row * 7 % 31}.5,{row % 2}\n' for row in range(60))
    _, document = looked(tmp_path, write(tmp_path, "t.csv", '"con\nstant",x,y\n' + rows))

    assert [*document["fields"]] == ["x"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", [], "expected a first line with the names of the columns"),
        ("x,y\n", [], "expected rows, found none"),
        ("x,x\n1,2\n", [], "expected columns with different names, found 'x' 2 times"),
        ("1,2\n3,4\n", [], "expected a first line with the names of the columns, found numbers: 1, 2"),
        ("x,y\n1,2\n3\n", [], "Expected 2 columns, got 1"),
        ("x,\n" + "1,a\n2,b\n" * 20, [], "the target is a column without a name"),
        ("x,y\n1,2\n", ["--target", "z"], 'has no column "z"; there is x, y'),
        ("x,Species\n1,2\n", ["--target", "species"], 'did you mean "Species"?'),
        ("x,y\n" + "1,a\n" * 20, [], "the same value in every row"),
        ("x,y\n" + "".join(f"{row},name{row}\n" for row in range(30)), [], "choose one with --target; there is x, y"),
        ("y\n" + "a\nb\n" * 20, [], "no column is left to answer from: there is only the target"),
        ("x,y\n" + "1,a\n1,b\n" * 20, [], 'no column is left to answer from: "x": constant: 1 in every row'),
    ],
)
def test_a_table_that_can_not_be_used_is_refused_with_the_reason(tmp_path, text, options, message):
    done = run_new(write(tmp_path, "t.csv", text), *options, "--output", tmp_path / "out.toml")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert message in done.output
    assert not (tmp_path / "out.toml").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"PK\x03\x04", "expected a name that ends in .csv, .tsv"),
        ("t.parquet", b"not parquet", "expected Parquet"),
        ("t.jsonl", b'{"a": 1}\n[2]\n', "line 2: expected a JSON object, got '[2]'"),
        ("t.csv.gz", b"not gzip", "can't be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    done = run_new(tmp_path / name, "--output", tmp_path / "out.toml")

    assert done.exit_code == ExitCode.BAD_INPUT
    assert message in done.output


def test_names_and_files_are_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = write(tmp_path, "My Data 2.csv", shop())

    assert (
        "expected at most 100 small letters, digits, _ and -, such as my_model"
        in run_new(data, "--name", "My Model").output
    )
    assert run_new(data, "--target", "returned").exit_code == 0
    assert tomllib.loads((tmp_path / "my_data_2.toml").read_text())["name"] == "my_data_2"
    assert "my_data_2.toml exists: replace it with --force" in run_new(data, "--target", "returned").output
    assert run_new(data, "--target", "returned", "--force").exit_code == 0
    assert "expected a name that ends in .toml" in run_new(data, "--output", "x.json").output


def test_a_folder_names_its_classes_and_bad_pictures(tmp_path):
    for place, label in enumerate(("ant", "bee", "crab")):
        (tmp_path / "zoo" / label).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (20, 20), (place * 80, number, 0)).save(tmp_path / "zoo" / label / f"{number}.png")
    (tmp_path / "zoo" / ".hidden").mkdir()
    (tmp_path / "zoo" / "ant" / ".DS_Store").write_bytes(b"")
    (tmp_path / "zoo" / "bee" / "broken.jpg").write_bytes(b"no picture")
    told, document = looked(tmp_path, tmp_path / "zoo")

    assert "9 photos of 3 classes: ant 3, bee 3, crab 3" in told
    assert "broken.jpg" in told
    assert ".DS_Store" not in told
    assert document["target"]["labels"] == ["ant", "bee", "crab"]
    assert document["data"] == {"folder": "zoo"}


def test_looking_at_a_table_loads_no_tensorflow(tmp_path):
    data = write(tmp_path, "t.csv", shop())
    code = (
        "import sys; from training.commands.new import new\n"
        "new([sys.argv[1], '--target', 'returned', '--output', sys.argv[2]], standalone_mode=False)\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(data), str(tmp_path / "o.toml")], check=True, capture_output=True)
