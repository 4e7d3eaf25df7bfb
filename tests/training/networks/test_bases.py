import keras
import numpy as np
import pytest

from training.errors import BadRequest
from training.networks.bases import Prepared, base_names, check_base, pretrained

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3), np.uint8)


@pytest.mark.parametrize(
    ("base", "module"),
    [
        ("MobileNet", keras.applications.mobilenet),  # "tf"
        ("VGG16", keras.applications.vgg16),  # "caffe"
        ("DenseNet121", keras.applications.densenet),  # "torch"
        ("ResNet50V2", keras.applications.resnet_v2),
        ("EfficientNetB0", keras.applications.efficientnet),  # rescales by itself
        ("MobileNetV3Small", keras.applications.mobilenet_v3),
    ],
)
def test_pixels_are_prepared_as_the_base_was_trained(base, module):
    expected = module.preprocess_input(PIXELS.astype(np.float32))

    image = keras.Input(PIXELS.shape[1:], dtype="uint8")
    model = keras.Model(image, Prepared(base)(image))
    np.testing.assert_allclose(model(PIXELS), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("base", base_names())
def test_every_base_there_is_has_a_preparation(base):
    assert Prepared.from_config(Prepared(base).get_config()).base == base


@pytest.mark.parametrize("name", ["MobileNet9", "mobilenet", "imagenet_utils", ""])
def test_an_unknown_base_is_refused_with_those_there_are(name):
    with pytest.raises(
        BadRequest, match=f"unknown base '{name}' in keras.applications; available: ConvNeXtBase.*Xception"
    ):
        check_base(name, 0)


def test_a_width_is_refused_by_a_base_of_one_width():
    with pytest.raises(BadRequest, match=r"base ResNet50 has only one width: expected alpha 0, got 0\.75"):
        check_base("ResNet50", 0.75)


@pytest.mark.parametrize("options", [{"height": 8}, {"weights": "no/such.h5"}], ids=["too small", "no weights"])
def test_what_a_base_does_not_take_is_a_bad_request_and_no_missing_download(options):
    with pytest.raises(BadRequest, match="can't make base MobileNet of"):
        pretrained(**{"name": "MobileNet", "height": 32, "width": 32, "alpha": 0.25, "weights": "random", **options})


def test_with_random_weights_the_signal_reaches_the_end():
    keras.utils.set_random_seed(1)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
    features = np.asarray(pretrained("MobileNet", 32, 32, 0.25, "random")(images))

    assert features.std(axis=0).max() > 1e-3  # as Keras makes them, 1e-17
