"""The baseline recipes as in a notebook, for comparison with `plumbline train`.

Run as `python -m benchmarks.plain_keras MODEL`: validate as the task does, train on all training rows, test once.
Data come from `keras.datasets`, KERAS_HOME and PLUMBLINE_DATA as for `plumbline train`; nothing is exported.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

_Data = tuple[tuple[Any, Any], tuple[Any, Any]]


def _multi_hot(rows: Any) -> Any:
    hot = np.zeros((len(rows), 10_000), np.float32)
    for row, ids in zip(hot, rows, strict=True):
        row[ids] = 1
    return hot


def _network(hidden: list[Any], width: int, activation: str | None, loss: str, metric: str) -> Any:
    model = keras.Sequential([*hidden, layers.Dense(width, activation=activation)])
    model.compile("rmsprop", loss=loss, metrics=[metric])
    return model


def _validated(data: _Data, share: float, make: Callable[[], Any], **options: Any) -> list[float]:
    """Fit with held-out rows, then a new model on all rows. Return its loss and metric on the test rows."""
    (x, y), test = data
    held = round(len(x) * share)
    make().fit(x[held:], y[held:], validation_data=(x[:held], y[:held]), verbose=0, **options)
    model = make()
    model.fit(x, y, verbose=0, **options)
    result: list[float] = model.evaluate(*test, verbose=0)
    return result


def sentiment() -> list[float]:
    """Train on IMDB, multi-hot, units 16-16-1."""
    (x, y), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=10_000)
    data = ((_multi_hot(x), y.astype("float32")), (_multi_hot(x_test), y_test.astype("float32")))
    dense = [layers.Dense, layers.Dense]
    return _validated(
        data,
        0.4,
        lambda: _network(
            [each(16, activation="relu") for each in dense], 1, "sigmoid", "binary_crossentropy", "accuracy"
        ),
        epochs=4,
        batch_size=512,
    )


def topic() -> list[float]:
    """Train on Reuters, multi-hot, units 64-64-64-46."""
    (x, y), (x_test, y_test) = keras.datasets.reuters.load_data(num_words=10_000)
    return _validated(
        ((_multi_hot(x), y), (_multi_hot(x_test), y_test)),
        1000 / 8982,
        lambda: _network(
            [layers.Dense(64, activation="relu") for _ in range(3)],
            46,
            "softmax",
            "sparse_categorical_crossentropy",
            "accuracy",
        ),
        epochs=9,
        batch_size=256,
    )


def house_price() -> list[float]:
    """Train on Boston, standardised, units 64-64-1, four folds."""
    (x, y), (x_test, y_test) = keras.datasets.boston_housing.load_data()

    def make() -> Any:
        return _network([layers.Dense(64, activation="relu") for _ in range(2)], 1, None, "mse", "mae")

    def fit(x: Any, y: Any, other_x: Any, other_y: Any) -> list[float]:
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        model = make()
        other = ((other_x - mean) / deviation, other_y)
        model.fit((x - mean) / deviation, y, validation_data=other, epochs=130, batch_size=16, verbose=0)
        result: list[float] = model.evaluate(*other, verbose=0)
        return result

    for rows in np.array_split(np.arange(len(x)), 4):
        fit(np.delete(x, rows, axis=0), np.delete(y, rows), x[rows], y[rows])
    return fit(x, y, x_test, y_test)


def digits() -> list[float]:
    """Train on MNIST, convolutions 32-64-64."""
    with np.load(Path(os.environ["PLUMBLINE_DATA"]) / "mnist.npz") as file:
        x, y, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))

    def make() -> Any:
        hidden: list[Any] = [layers.Rescaling(1 / 255)]
        for filters in (32, 64, 64):
            hidden += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
        hidden += [layers.Flatten(), layers.Dense(64, activation="relu")]
        return _network(hidden, 10, "softmax", "sparse_categorical_crossentropy", "accuracy")

    return _validated(((x[..., None], y), (x_test[..., None], y_test)), 1 / 6, make, epochs=4, batch_size=128)


def image() -> list[float]:
    """Train on cats and dogs, MobileNet 0.75 at 150 pixels: a head on the frozen base, then its top twelve layers."""
    folder = Path(os.environ["PLUMBLINE_DATA"]) / "cats_and_dogs"
    x, y = _photos(folder / "train")
    more, more_y = _photos(folder / "validation")
    (x, y), test = (np.concatenate([x, more[::2]]), np.concatenate([y, more_y[::2]])), (more[1::2], more_y[1::2])
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    held = len(x) // 5
    _transfer(x[held:], y[held:], (x[:held], y[:held]))
    result: list[float] = _transfer(x, y, None).evaluate(*test, verbose=0)
    return result


def _photos(folder: Path) -> tuple[Any, Any]:
    files = [
        (path, label) for label, name in enumerate(sorted(os.listdir(folder))) for path in (folder / name).iterdir()
    ]
    pixels = [np.asarray(keras.utils.load_img(path, target_size=(150, 150))) for path, _ in sorted(files)]
    return np.stack(pixels), np.array([label for _, label in sorted(files)], "float32")


def _transfer(x: Any, y: Any, validation: Any) -> Any:
    base = keras.applications.MobileNet(input_shape=(150, 150, 3), alpha=0.75, include_top=False)
    base.trainable = False
    image = keras.Input((150, 150, 3), dtype="uint8")
    hidden = image
    for layer in (layers.RandomFlip("horizontal"), layers.RandomRotation(0.05), layers.RandomZoom(0.1)):
        hidden = layer(hidden)
    hidden = base(keras.applications.mobilenet.preprocess_input(hidden), training=False)
    hidden = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(image, layers.Dense(1, activation="sigmoid")(hidden))
    for rate, epochs in ((1e-3, 4), (1e-5, 2)):
        model.compile(keras.optimizers.Adam(rate), loss="binary_crossentropy", metrics=["accuracy"])
        model.fit(x, y, validation_data=validation, epochs=epochs, batch_size=32, verbose=0)
        base.trainable = True
        for layer in base.layers[:-12]:
            layer.trainable = False
    return model


RECIPES: dict[str, Callable[[], list[float]]] = {
    "sentiment": sentiment,
    "topic": topic,
    "house_price": house_price,
    "digits": digits,
    "image": image,
}

if __name__ == "__main__":
    print(RECIPES[sys.argv[1]]())
