"""What can't be imported is refused with a sentence, and nothing is published."""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from keras import layers

from tests.training.importing.models import Place
from training.commands.import_ import import_
from training.importing.errors import CannotImport

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)
ROWS = [{"x": [0.5, float(row), -1.0, 2.0]} for row in range(4)]


def dense(units: int = 3, activation: str | None = "softmax") -> keras.Model:
    return keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])


def check_refused(place: Place, message: str, path: Path, rows: Any = ROWS, **options: Any) -> None:
    with pytest.raises(CannotImport, match=message) as refused:
        place.bring(path, rows, **options)
    assert "\n" not in str(refused.value)
    assert not list(place.models_dir.glob("[a-z]*/*"))


def nothing_there(place: Place) -> Path:
    return place.folder / "nothing.keras"


def empty_folder(place: Place) -> Path:
    return place.folder


def a_pickle(place: Place) -> Path:
    (place.folder / "model.pkl").write_bytes(b"\x80\x04")
    return place.folder / "model.pkl"


def no_zip(place: Place) -> Path:
    (place.folder / "model.keras").write_bytes(b"PK no more")
    return place.folder / "model.keras"


def half_a_file(place: Place) -> Path:
    path = place.save(dense())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def zip_of_something_else(place: Place) -> Path:
    with zipfile.ZipFile(place.folder / "model.keras", "w") as archive:
        archive.writestr("words.txt", "words")
    return place.folder / "model.keras"


def no_hdf5(place: Place) -> Path:
    (place.folder / "model.h5").write_bytes(b"\x89HDF\r\n")
    return place.folder / "model.h5"


def weights_alone(place: Place) -> Path:
    dense().save_weights(place.folder / "model.weights.h5")
    return place.folder / "model.weights.h5"


def broken_saved_model(place: Place) -> Path:
    (place.folder / "saved").mkdir()
    (place.folder / "saved" / "saved_model.pb").write_bytes(b"\x00" * 9)
    return place.folder / "saved"


def two_signatures(place: Place) -> Path:
    return signatures(place, [None, 4], "one", "two")


def one_row_at_a_time(place: Place) -> Path:
    return signatures(place, [1, 4], "serving_default")


def fixed_batch(place: Place) -> Path:
    x = keras.Input(batch_shape=(2, 4), name="x")
    return place.save(keras.Model(x, layers.Dense(1)(x)))


def never_built(place: Place) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of just that
        return place.save(keras.Sequential([layers.Dense(1)]))


def no_model(place: Place) -> Path:
    space = keras.utils.FeatureSpace({"x": keras.utils.FeatureSpace.float_normalized()})
    space.adapt(tf.data.Dataset.from_tensor_slices({"x": [1.0, 2.0, 3.0]}))
    space.save(place.folder / "model.keras")
    return place.folder / "model.keras"


def texts_as_output(place: Place) -> Path:
    return exported(place, tf.strings.as_string)


def calling_python(place: Place) -> Path:
    return exported(place, lambda x: tf.ensure_shape(tf.numpy_function(lambda v: v * 2, [x], tf.float32), [None, 4]))


def writing_a_file(place: Place) -> Path:
    def write(x: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.io.write_file(str(place.folder / "written"), "here")]):
            return x * 2

    return exported(place, write)


def exported(place: Place, function: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    module = tf.Module()
    module.served = tf.function(lambda x: {"y": function(x)}, [tf.TensorSpec([None, 4], name="x")])
    tf.saved_model.save(module, str(place.folder / "saved"), signatures=module.served)
    return place.folder / "saved"


def signatures(place: Place, shape: list[int | None], *names: str) -> Path:
    module = tf.Module()
    module.twice = tf.function(lambda x: {"y": x * 2}, [tf.TensorSpec(shape, tf.float32, name="x")])
    called = {name: module.twice.get_concrete_function() for name in names}
    tf.saved_model.save(module, str(place.folder / "saved"), signatures=called)
    return place.folder / "saved"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing_there, "expected a model's file or folder, got nothing there"),
        (empty_folder, "expected a folder with a SavedModel, got one without a saved_model.pb"),
        (a_pickle, r"expected a .keras or .h5 file or the folder of a SavedModel, got '.pkl'"),
        (no_zip, "expected a .keras file, which is a zip archive"),
        (half_a_file, "expected a .keras file, which is a zip archive"),
        (zip_of_something_else, "expected a model that Keras saved, got a file that can't be read"),
        (no_hdf5, "expected a model that Keras saved, got a file that can't be read"),
        (weights_alone, "expected a whole model, got weights alone"),
        (broken_saved_model, "expected a SavedModel, got a folder that TensorFlow .* can't load"),
        (two_signatures, "expected a signature called 'serving_default', or a single one, got those called one, two"),
        (fixed_batch, "input 'x': expected a batch of any size, got one of 2"),
        (never_built, "the model does not tell the shape of its inputs"),
        (no_model, "expected a model, got a FeatureSpace"),
        (texts_as_output, "output 'scores': expected numbers, got object"),
        (calling_python, "refused: the graph has the operation PyFunc, which calls Python"),
        (writing_a_file, "refused: the graph has the operation WriteFile, which reads or writes files"),
        (one_row_at_a_time, r"input 'x': expected a first axis of any size, for rows, got \(1, 4\)"),
    ],
)
def test_what_is_no_model_is_refused(make: Callable[[Place], Path], message: str, place: Place) -> None:
    check_refused(place, message, make(place))
    assert not (place.folder / "written").exists()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_never_runs(suffix: str, place: Place) -> None:
    inner = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2, name="sly"), layers.Dense(1)])
    x = keras.Input((4,))

    path = place.save(keras.Model(x, inner(x)), f"model{suffix}")

    check_refused(place, "refused: the layer 'sly' is a Lambda, whose Python code would run here", path)


class Own(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_layer_that_nobody_registered_is_named(suffix: str, place: Place) -> None:
    path = place.save(keras.Sequential([keras.Input((4,)), Own(), layers.Dense(1)]), f"model{suffix}")

    check_refused(place, r"its author's own, which (is|are) not registered here: Own: .*--package NAME", path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "expected a package that can be imported, got 'broken_layers'"),
        ("import nothing_like_it", "it imports 'nothing_like_it', which is not installed"),
        ("1 / 0", "--package broken_layers: ZeroDivisionError: division by zero"),
    ],
)
def test_a_package_that_fails_is_told(
    source: str | None, message: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(place.folder))
    if source:
        (place.folder / "broken_layers.py").write_text(source)

    check_refused(place, message, place.save(dense()), packages=("broken_layers",))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, {"x": [1, 2, 3]}], "row 4: x: expected a list of 4 items, got 3"),
        ([*ROWS, {"x": [1, 2, "three", 4]}], r"row 4: x/2: expected a number, got 'three'"),
        ([*ROWS, {}], "row 4: expected an object with named fields"),
        ([*ROWS, {"y": 1}], "expected a field for each input of the model, got the fields x, y: lacking is"),
        ([], "expected rows with values for the model's inputs, got an empty file"),
        ([{"x": [1, 2, None, 4]}], "row 0: x/2: expected a number, got nothing"),
    ],
)
def test_rows_that_do_not_fit_are_told_with_row_and_field(rows: Any, message: str, place: Place) -> None:
    check_refused(place, message, place.save(dense()), rows)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rows.txt", "x", r"expected rows in a file called \*.jsonl, .*, got '.txt'"),
        ("rows.jsonl", '{"x": 1}\n{', "line 2: expected JSON, got something else"),
        ("rows.json", '{"x": 1}', "expected a list of objects"),
        ("rows.csv", "a,b\n1,2\n3\n", "line 3: expected 2 cells, as the first line has"),
        ("rows.csv", "a,a\n1,2\n", "expected columns that differ in their names"),
        ("none.csv", None, "expected a file of rows in UTF-8, got one that can't be read"),
    ],
)
def test_files_of_rows_that_cannot_be_read(name: str, text: str | None, message: str, place: Place) -> None:
    if text is not None:
        (place.folder / name).write_text(text)

    check_refused(place, message, place.save(dense()), place.folder / name)


@pytest.mark.parametrize(
    ("units", "activation", "options", "message"),
    [
        (3, "softmax", {"labels": ["a,b"]}, "--labels: output 'scores' has 3 numbers: expected 3 names, got 2"),
        (1, "sigmoid", {"labels": ["a,b,c"]}, "expected two labels, for 0 and 1, got 3"),
        (3, "softmax", {"labels": ["a,b,a"]}, "expected names that differ and are not empty, got a, b, a"),
        (3, None, {"labels": ["a,b,c"]}, r"expected scores from 0 to 1, got .*Activation\('softmax'\)"),
        (3, "sigmoid", {"labels": ["a,b,c"]}, "expected scores that add up to 1, got .*say --tags"),
        (3, "softmax", {"labels": ["a,b,c"], "tags": ["a,b,c"]}, "expected one of --labels, --tags and --values"),
        (3, "softmax", {"labels": ["@nowhere.txt"]}, "--labels: expected a file with a name on each line"),
    ],
)
def test_names_that_do_not_fit_the_output(
    units: int, activation: str | None, options: dict[str, Any], message: str, place: Place
) -> None:
    check_refused(place, message, place.save(dense(units, activation)), **options)


def test_an_output_that_there_is_not(place: Place) -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [layers.Dense(1, name="size")(x), layers.Dense(2, name="mood")(x)])

    check_refused(
        place, "expected one of the model's outputs, .*there are size, mood", place.save(model), labels=["a,b"]
    )


def test_numbers_that_are_none(place: Place) -> None:
    model = dense(1, None)
    model.set_weights([np.full((4, 1), np.nan), np.zeros(1)])

    check_refused(place, "output 'scores': expected finite numbers, got some that are not for row 0", place.save(model))


def test_rows_of_several_lengths(place: Place) -> None:
    ids = keras.Input((None,), dtype="int32", name="ids")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(9, 2)(ids))
    rows = [{"ids": [1, 2, 3]}, {"ids": [1, 2]}]

    check_refused(
        place,
        r"row 1: ids: expected lists of one shape, \[3\] as the first, got \[2\]",
        place.save(keras.Model(ids, layers.Dense(1)(pooled))),
        rows,
    )


def test_a_model_whose_rows_depend_on_each_other(place: Place) -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, layers.Dense(1)(x - keras.ops.mean(x, axis=0, keepdims=True)))

    check_refused(place, "refused: for row 0 the served graph gives .* the model's own predict", place.save(model))


def test_a_name_that_no_gateway_would_serve_is_refused(place: Place) -> None:
    arguments = [str(place.save(dense())), "--name", "x" * 101, "--examples", str(place.folder / "rows.jsonl")]

    done = CliRunner().invoke(import_, [*arguments, "--models-dir", str(place.models_dir)])

    assert done.exit_code == 2
    assert "expected at most 100 small letters" in done.output


def test_the_command_says_it_in_a_sentence_and_exits_with_2(place: Place) -> None:
    path = place.save(dense())
    place.rows([{"y": "no list"}])

    arguments = [str(path), "--name", "Mine", "--examples", str(place.folder / "rows.jsonl")]
    done = CliRunner().invoke(import_, [*arguments, "--models-dir", str(place.models_dir)])

    assert done.exit_code == 2
    assert done.output == "Error: --name: expected at most 100 small letters, digits, _ and -, got 'Mine'\n"
