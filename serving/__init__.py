"""Everything between a raw request and an answer: contract, TF Serving client, gateway, local model server."""
