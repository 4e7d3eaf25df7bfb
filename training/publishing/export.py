"""Exports a trained model and its contract as one SavedModel with two signatures, and the files that belong to it.

`serving_default` maps features to scores. `contract` takes any numbers and returns the contract's JSON, so that whoever
can predict with a version can also read its contract. No XLA, batch-major, named tensors on both sides.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from serving.contract import Contract, check_parity
from serving.registry.lite import LITE_FILE, read_lite
from serving.registry.server_config import BATCHING_FILE, batching_parameters
from serving.registry.versions import CONTRACT
from training.errors import TrainingError
from training.experiments.served_graph import outputs_of, served_graph
from training.publishing.lite import lite_engine

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def export(model: keras.Model, contract: Contract, folder: Path, lite: bytes | None = None) -> None:
    """Write the SavedModel to *folder*, and *lite* beside it; check that both compute what training computed.

    Raises ParityError if it does not, or TrainingError if it can't be served.
    """
    export_graph(served_graph(model, contract.record.specs), contract, folder, lite=lite)


def export_graph(
    graph: Any, contract: Contract, folder: Path, holders: Sequence[Any] = (), lite: bytes | None = None
) -> None:
    """Write *graph*, a `tf.function` of named features to named outputs, as `export` does for a model.

    Without *lite*, the contract that is written vouches for no lite form.

    *holders* have what the graph refers to besides variables: models with lookup tables, files of a SavedModel.
    """
    if lite is None and "sha256" in contract.provenance.get("lite", {}):
        facts = {name: fact for name, fact in contract.provenance.items() if name != "lite"}
        contract = replace(contract, provenance=facts)
    _write_saved_model(graph, contract, folder, holders)
    (folder / "assets.extra").mkdir()
    (folder / CONTRACT).write_text(contract.to_json(), "utf-8")
    if lite is not None:
        (folder / LITE_FILE).write_bytes(lite)
    _write_warmup(contract, folder / WARMUP_FILE)
    (folder / BATCHING_FILE).write_text(batching_parameters(contract), "utf-8")
    check_export(folder, contract)


def check_export(folder: Path, contract: Contract) -> None:
    """Load the SavedModel in *folder*, compare the contract that it returns, and replay its parity examples.

    Raises ParityError or TrainingError.
    """
    loaded = tf.saved_model.load(str(folder))
    carried = loaded.signatures["contract"](request=tf.zeros([1], tf.int32))["contract"].numpy()[0]
    if carried.decode() != contract.to_json():
        raise TrainingError(f"{contract.model}: the exported model contains a different contract")
    if b"_XlaMustCompile" in (folder / "saved_model.pb").read_bytes():
        raise TrainingError(f"{contract.model}: the exported graph requires XLA, which TensorFlow Serving does not run")
    serve = loaded.signatures["serving_default"]
    check_parity(contract, lambda features: outputs_of(lambda tensors: serve(**tensors), features))
    if (lite := read_lite(folder)) is not None:
        check_parity(contract, lite_engine(lite).compute)


def _write_saved_model(graph: Any, contract: Contract, folder: Path, holders: Sequence[Any]) -> None:
    document = contract.to_json()
    graph.get_concrete_function()  # it must be traced before it is added

    def read_contract(request: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"contract": tf.fill(tf.shape(request), document)}

    archive = keras.export.ExportArchive()  # it tracks no model itself, which would write each weight twice
    archive.add_endpoint("serving_default", graph)
    archive.add_endpoint("contract", read_contract, input_signature=[tf.TensorSpec([None], tf.int32, name="request")])
    for holder in holders:
        archive.track(_held(holder))
    archive.write_out(str(folder), verbose=False)


def _held(holder: Any) -> tf.Module:
    """Return a module that holds *holder*: of a module, Keras keeps lookup tables alone."""
    module = tf.Module()
    module.held = holder
    return module


def _write_warmup(contract: Contract, path: Path) -> None:
    """Write one request for each parity example, and one with all: TensorFlow Serving replays them before it serves."""
    batch = contract.features([example.instance for example in contract.examples])
    singles = [{name: array[row : row + 1] for name, array in batch.items()} for row in range(len(contract.examples))]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for features in (*singles, batch):
            request = PredictRequest()
            request.model_spec.name = contract.model
            request.model_spec.signature_name = "serving_default"
            for name, array in features.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
            log = PredictionLog(predict_log=PredictLog(request=request))
            writer.write(log.SerializeToString())
