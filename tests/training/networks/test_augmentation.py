import keras
import numpy as np
import pytest

from training.errors import BadRequest
from training.networks.augmentation import Augmentation

CHANGES = ({"turn": 0.1}, {"shift": 0.3}, {"shear": 0.3}, {"zoom": 0.3}, {"brightness": 0.3}, {"flip": True})


def images():
    image = np.zeros((16, 12, 12, 3), np.uint8)
    image[:, 2:5, 1:5] = (250, 120, 10)
    return image


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_each_change_is_made_in_training_only_and_keeps_shape_and_type(change):
    keras.utils.set_random_seed(1)
    layer, image = Augmentation(**change).layer(), images()

    changed, other = (layer(image, training=True).numpy() for _ in range(2))
    assert (changed.shape, changed.dtype) == (image.shape, image.dtype)
    assert (changed != image).any()
    assert (changed != other).any()
    assert np.array_equal(layer(image, training=False), image)


def test_colours_that_leave_the_range_are_clipped_and_do_not_wrap_around():
    keras.utils.set_random_seed(1)
    white, black = (np.full((32, 2, 2, 3), colour, np.uint8) for colour in (255, 0))
    layer = Augmentation(brightness=0.5).layer()

    assert layer(white, training=True).numpy().min() > 100
    assert layer(black, training=True).numpy().max() < 150


def test_no_change_is_no_layer():
    assert Augmentation().layer() is None


@pytest.mark.parametrize("turn", [-0.1, 1.5])
def test_a_change_out_of_range_is_refused(turn):
    with pytest.raises(BadRequest, match="augmentation: turn must be between 0 and 1"):
        Augmentation(turn=turn)
