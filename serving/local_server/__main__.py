"""`python -m serving.local_server`: parse the flags, then start the server."""

import logging
import os
import sys

import click

from serving.local_server.config import Configuration
from serving.local_server.flags import Flags, command
from serving.process.quiet_import import quiet_import
from serving.runtime.errors import ServingError
from serving.runtime.lean_tensorflow import skip_public_api


def main(flags: Flags) -> None:
    """Run the server until SIGTERM or SIGINT; like the original, exit with 255 if it can't start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s] %(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read by TensorFlow's C++ part when it is imported
    skip_public_api()
    status = 0
    try:
        configuration = Configuration.of(flags)
        with quiet_import():
            from serving.local_server.server import Server  # not above: it imports TensorFlow, which takes seconds

        Server(configuration).run()
    except ServingError as error:
        click.echo(f"Failed to start server. Error: {error}", err=True)
        status = 255
    logging.shutdown()
    sys.stderr.flush()
    # Not sys.exit: it would wait for requests that outlast the drain, and abort if a thread is still loading a model.
    os._exit(status)


if __name__ == "__main__":
    command(main)()
