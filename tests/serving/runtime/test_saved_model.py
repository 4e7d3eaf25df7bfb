import gc
import os
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from serving.process.turns import Turns
from serving.runtime import saved_model
from serving.runtime.errors import ServingError
from serving.runtime.loader import ServableLoader
from serving.runtime.saved_model import Parallelism, load
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


def test_a_pipe_among_its_files_is_refused_instead_of_read(tmp_path: Path) -> None:
    write_mlp(tmp_path / "1", scale=1.0)
    os.mkfifo(tmp_path / "1" / "variables" / "pipe")
    with pytest.raises(ServingError, match=r"variables/pipe: expected a file"):
        load(tmp_path / "1", Parallelism())


def test_a_load_that_never_ends_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mlp(tmp_path / "1", scale=1.0)
    monkeypatch.setattr(saved_model, "_loading", Turns(0.2))
    with saved_model._loading.one():  # as another thread, which is loading
        loaded = threading.Thread(target=load, args=(tmp_path / "1", Parallelism()))
        loaded.start()
        loaded.join(30)
        assert not loaded.is_alive()
