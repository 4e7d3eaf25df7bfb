"""A model server in Python that answers like `tensorflow_model_server`, for machines without that binary.

`python -m serving.local_server` takes the same flags, watches the same folders and speaks the same gRPC and REST
APIs, so that clients can't distinguish the two. Its reference is the observed behaviour of TensorFlow Serving 2.21;
`tests/conformance` runs against both. `serving.runtime` computes its models.

From request to servable:

    grpc_server, rest_server     one port each, errors to codes
      prediction_service, model_service, rest_api, health_service
        manager                  finds the model and version by name, number or label

It deliberately differs from the original where that hurts its users:

* An unknown flag is an error, not a line in the log. SIGTERM drains and exits with 0.
* Within a batch, a request that fails fails alone; requests of different shapes never share a batch, and a request of
  no rows does not wait for another.
* Models are independent: a missing folder or a retry of one delays neither others nor later reloads. A version
  that was removed and comes back repaired under the same number is loaded.
* Metrics take a model's name from a request only if there is such a model (otherwise the label is empty).
* The REST port bounds the size of requests, and writes floats correctly with --enable_serialization_as_tensor_content.

Not implemented: Classify, Regress and MultiInference (gRPC UNIMPLEMENTED, REST 501), which no Keras export has a
signature for; warm-up records of these; padding of variable-length inputs in batches (refused at the start); Unix
sockets; the profiler service; health's Watch.
"""
