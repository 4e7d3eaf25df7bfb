"""A model server in Python that answers like `tensorflow_model_server`, for machines without that binary.

`python -m serving.local_server` takes the same flags, watches the same folders and speaks the same gRPC and REST
APIs, so that a client can't tell which of the two it talks to. What it is held to is the behaviour observed on
TensorFlow Serving 2.21; `tests/conformance` runs against either. `serving.runtime` computes its models.

From request to servable:

    grpc_server, rest_server     one port each, errors to codes
      prediction_service, model_service, rest_api, health_service
        manager                  which model and version is meant, by name, number or label

It differs from the original on purpose where that hurts its users:

* An unknown flag is an error, not a line in the log. SIGTERM drains and exits with 0.
* Within a batch, a request that fails fails alone; requests of different shapes never share a batch, and a request of
  no rows does not wait for another.
* Models live apart: a missing folder or a retry of one holds up no other, and no later reload. A version
  that was removed and comes back repaired under its number is loaded.
* Metrics never take a model's name from a request before there is such a model (the label is empty).
* The REST port bounds the size of a request, and answers floats right with --enable_serialization_as_tensor_content.

Not implemented: Classify, Regress and MultiInference (gRPC UNIMPLEMENTED, REST 501), which no Keras export has a
signature for; warm-up records of these; padding of variable-length inputs in batches (refused at the start); Unix
sockets; the profiler service; health's Watch.
"""
