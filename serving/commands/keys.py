"""`plumbline keys`: makes an API key."""

import click

from serving.gateway.middleware.key_file import make_key

_HELP = """
Make an API key for NAME, who is to ask the gateway.

The key goes to the terminal (standard error) and is kept nowhere. Its line for the gateway's API_KEYS_FILE, which holds
only its hash, goes to standard output.

\b
Examples:
  plumbline keys alice
  plumbline keys alice >> api-keys
  API_KEYS_FILE=api-keys plumbline serve
"""


@click.command(help=_HELP)
@click.argument("name")
def keys(name: str) -> None:
    """Print a key and its line."""
    try:
        key, line = make_key(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
    click.echo(key, err=True)
    click.echo(str(line))
