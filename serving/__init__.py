"""Everything between a raw request and its answer: contract, TensorFlow Serving client, gateway, local model server."""
