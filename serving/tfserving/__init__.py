"""A client of TensorFlow Serving's gRPC API that needs no TensorFlow."""
