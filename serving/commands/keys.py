"""`plumbline keys`: makes an API key."""

import click

from serving.gateway.middleware.key_file import make_key

_EXAMPLES = """\b
Examples:
  plumbline keys alice
  plumbline keys alice >> api-keys
  plumbline keys bob --models sentiment,topic --rate 10/second,burst=50 >> api-keys
  plumbline keys carol --models sentiment --captures >> api-keys
  API_KEYS_FILE=api-keys plumbline serve
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name")
@click.option("--models", metavar="NAME,...", default="*", help="Models that the key is for.  [default: all]")
@click.option("--rate", metavar="RATE", default="", help="Rate of the key's own.  [default: the gateway's RATE_LIMIT]")
@click.option("--captures", is_flag=True, help="The key may also read what callers sent to these models.")
def keys(name: str, models: str, rate: str, captures: bool) -> None:
    """Make an API key for NAME, a client of the gateway.

    The key goes to the terminal (standard error) and is not stored. Its line for the gateway's API_KEYS_FILE, which
    holds only its hash, goes to standard output.
    """
    try:
        key, line = make_key(name, models, rate, captures)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    click.echo(key, err=True)
    click.echo(str(line))
