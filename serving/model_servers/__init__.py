"""Model servers: TensorFlow Serving over gRPC, or the runtime in this process. `connect` chooses between them."""
