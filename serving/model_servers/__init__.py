"""What answers for models: TensorFlow Serving over gRPC, or the runtime in this process. `connect` chooses."""
