"""`plumbline keys`: makes an API key."""

import click

from serving.gateway.middleware.key_file import make_key

_EXAMPLES = """\b
Examples:
  plumbline keys alice
  plumbline keys alice >> api-keys
  API_KEYS_FILE=api-keys plumbline serve
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name")
def keys(name: str) -> None:
    """Make an API key for NAME, a client of the gateway.

    The key goes to the terminal (standard error) and is not stored. Its line for the gateway's API_KEYS_FILE, which
    holds only its hash, goes to standard output.
    """
    try:
        key, line = make_key(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
    click.echo(key, err=True)
    click.echo(str(line))
