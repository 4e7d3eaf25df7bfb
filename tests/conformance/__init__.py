r"""What a client sees of a model server, checked from outside.

The same tests run against our `serving.local_server` (the default), against any server that is already running, and
against the original:

    pytest tests/conformance
    pytest tests/conformance --server-binary tensorflow_model_server

    python -m tests.conformance.models DIR
    tensorflow_model_server --port=8500 --rest_api_port=8501 --grpc_max_threads=256 \
        --model_config_file=DIR/models.config &
    pytest tests/conformance --server localhost:8500 --rest localhost:8501

A running server is only asked; the tests that start, stop and reconfigure servers are skipped then. Tests marked
`better_than_real` hold where we differ from the original on purpose, and are skipped for any other server.
"""
