"""A network's form for LiteRT, and what LiteRT computes with it."""

import keras
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from serving.contract.arrays import TensorSpec
from training.experiments.served_graph import lite_graph


def specs_of(model):
    """Return the specs of the model's inputs, as a contract has them."""
    return {name: TensorSpec(each.dtype, tuple(each.shape)) for name, each in model.input.items()}


def lite_form(model, folder):
    """Convert *model* by way of a SavedModel in *folder*: with LiteRT's own operations alone."""
    graph = lite_graph(model, specs_of(model))
    graph.get_concrete_function()
    archive = keras.export.ExportArchive()
    archive.add_endpoint("serving_default", graph)
    archive.write_out(str(folder), verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["serving_default"]).convert()


def lite_runner(form):
    """Return the function of named features that computes *form*; its outputs are named too."""
    return Interpreter(model_content=form, num_threads=1).get_signature_runner("serving_default")
