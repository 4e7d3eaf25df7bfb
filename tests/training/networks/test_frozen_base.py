import functools

import keras
import numpy as np
import pytest

from training.data.features import tensor_of
from training.errors import BadRequest
from training.networks.frozen_base import MIRRORED, PLAIN, Known, features_of, split

IMAGES = np.random.default_rng(0).integers(0, 255, (70, 32, 32, 3), np.uint8)


@functools.cache  # Keras takes a second to build one
def base_of(name):
    return getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(32, 32, 3))


@pytest.mark.parametrize(("name", "top"), [("MobileNet", 9), ("MobileNetV2", 20)])
def test_the_parts_of_a_base_share_its_layers_and_compute_what_it_computes(name, top):
    base = base_of(name)
    lower, upper = split(base, top)
    pixels = IMAGES[:2] / np.float32(255)

    assert len(upper.layers) - 1 >= top  # less its input
    assert {id(layer) for layer in base.layers[-top:]} <= {id(layer) for layer in upper.layers}
    assert np.allclose(upper(lower(pixels)), base(pixels), atol=1e-5)


def test_no_more_of_a_base_without_branches_is_taken_than_asked_for():
    base = base_of("MobileNet")

    assert [layer.name for layer in split(base, 9)[1].layers[1:]] == [layer.name for layer in base.layers[-9:]]


@pytest.mark.parametrize("top", [86, 87, 1000])
def test_a_base_of_which_nothing_stays_frozen_has_no_parts(top):
    with pytest.raises(BadRequest, match=f"expected top_layers that leave some frozen, got {top}"):
        split(base_of("MobileNet"), top)


@pytest.mark.parametrize("mirrored", [False, True])
def test_features_are_those_of_the_images_then_those_of_their_mirror_images(mirrored):
    image = keras.Input((32, 32, 3), dtype="uint8")
    model = keras.Model(image, keras.layers.Rescaling(1 / 255)(image))
    kept = features_of(model, IMAGES, MIRRORED if mirrored else PLAIN)

    assert kept.dtype == np.float16
    expected = [IMAGES, IMAGES[:, :, ::-1]] if mirrored else [IMAGES]
    assert np.allclose(kept, np.concatenate(expected) / 255, atol=1e-3)
    assert tensor_of(kept).shape == kept.shape


def test_features_beyond_half_precision_stay_finite():
    image = keras.Input((32, 32, 3), dtype="uint8")
    kept = features_of(keras.Model(image, keras.layers.Rescaling(1e6)(image)), IMAGES)

    assert np.isfinite(kept).all()


def test_what_is_known_of_some_images_is_not_computed_again():
    image = keras.Input((32, 32, 3), dtype="uint8")
    model = keras.Model(image, keras.layers.Rescaling(1 / 255)(image))
    computed, kept = [], {}
    changes = {name: lambda images, number, of=name: computed.append((of, number)) or images for name in ("a", "b")}
    for first, end in ((0, 10), (30, 40)):
        features_of(model, IMAGES[first:end], {"a": changes["a"]}, Known(kept, first))
    computed.clear()
    features = features_of(model, IMAGES[:50], changes, Known(kept))

    assert computed == [("a", 10), ("a", 40), ("b", 0)]
    assert np.allclose(features, np.concatenate([IMAGES[:50]] * 2) / 255, atol=1e-3)
