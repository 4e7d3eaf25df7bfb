"""The command `plumbline`. Packages register commands as entry points, which are loaded when called."""

from importlib.metadata import entry_points
from importlib.util import find_spec

import click

import plumbline

EPILOG = """\b
Examples:
  plumbline train all     train and publish every model
  plumbline up            serve every model on this machine
  plumbline verify        replay what training computed against the running gateway
"""


class _Commands(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        # Not every container image has all packages: that of the gateway lacks `training`.
        entries = entry_points(group="plumbline.commands")
        return sorted(entry.name for entry in entries if find_spec(entry.module.partition(".")[0]))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        for entry in entry_points(group="plumbline.commands", name=name):
            try:
                command: click.Command = entry.load()
            except ModuleNotFoundError as error:
                if hint := plumbline.clash(entry.module.partition(".")[0]):
                    raise click.ClickException(f"'{name}': {hint}") from error
                raise click.ClickException(
                    f"'{name}' needs {error.name}, which is not installed here: pip install 'plumbline[serve,train]'"
                ) from error
            return command
        return None


@click.group(cls=_Commands, epilog=EPILOG)
@click.version_option(package_name="plumbline")
def main() -> None:
    """Take Keras models from a training job to monitored predictions."""
