import gc
import weakref
from pathlib import Path

import numpy as np

from serving.runtime.loader import ServableLoader
from serving.runtime.saved_model import Parallelism
from tests.conformance.models import write_mlp


def test_a_model_is_freed_with_its_last_user(tmp_path: Path) -> None:
    write_mlp(tmp_path / "1", scale=1.0)
    servable = ServableLoader(Parallelism(), None, None, warm_up=True)(tmp_path / "1")
    signature = servable.signatures["serving_default"]
    assert [info.alias for info in signature.outputs] == ["diff", "sum"]
    servable.run(signature, [np.ones((1, 4), np.float32)], signature.outputs, None)
    session = weakref.ref(servable.session)
    gc.disable()
    try:
        del servable
        assert session() is None, "a reference cycle keeps the model in memory"
    finally:
        gc.enable()
