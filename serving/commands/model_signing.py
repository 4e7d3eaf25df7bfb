"""`plumbline models sign` and `plumbline models verify`: signatures of versions, by files of keys."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from serving.commands.folder_options import models_dir_option, reporting_errors
from serving.registry.errors import BadSignature, DamagedVersion, NoSuchVersion
from serving.registry.integrity import check_version
from serving.registry.signatures import sign_version, verify_signature
from serving.registry.signing_keys import read_private_key, read_public_key
from serving.registry.versions import read_versions

_SIGN_EXAMPLES = """\b
Examples:
  plumbline models sign sentiment --key signing.key
  plumbline models sign sentiment 3 --key signing.key
"""

_VERIFY_EXAMPLES = """\b
Examples:
  plumbline models verify sentiment --public-key signing.pub
  plumbline models verify sentiment 3 --public-key 2026.pub --public-key 2027.pub
"""

_Key = TypeVar("_Key")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog=_SIGN_EXAMPLES)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int, required=False)
@click.option("--key", type=_file, required=True, help="Private key, an elliptic curve's in PEM, without a password.")
def sign(models_dir: Path, model: str, version: int | None, key: Path) -> None:
    """Sign VERSION of MODEL, or the newest, in the OpenSSF Model Signing format.

    The signature is written into the version's folder. A gateway with REQUIRE_SIGNATURE loads only versions that one of
    its public keys verifies.
    """
    with reporting_errors():
        path = _path(models_dir, model, version)
        sign_version(path, _read(read_private_key, key))
    click.echo(f"{path}: signed with {key}")


@click.command("verify", epilog=_VERIFY_EXAMPLES)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int, required=False)
@click.option(
    "--public-key", "public_keys", type=_file, required=True, multiple=True, help="Public key in PEM; may be repeated."
)
def verify_signatures(models_dir: Path, model: str, version: int | None, public_keys: tuple[Path, ...]) -> None:
    """Verify the signature of VERSION of MODEL, or of the newest, and compare all of its files with it.

    (`plumbline verify` replays the examples of what a gateway serves.)
    """
    keys = [_read(read_public_key, path) for path in public_keys]
    with reporting_errors():
        path = _path(models_dir, model, version)
        signer = verify_signature(path, keys)
        try:
            check_version(path)
        except DamagedVersion as error:  # it names the file alone
            raise BadSignature(path, str(error)) from error
    click.echo(f"{path}: signed by {signer.path}")


def _path(models_dir: Path, model: str, version: int | None) -> Path:
    found = {each.number: each.path for each in read_versions(models_dir, model)}
    if version is not None and version not in found:
        raise NoSuchVersion(model, version, [*found])
    return found[max(found) if version is None else version]


def _read(read: Callable[[Path], _Key], path: Path) -> _Key:
    try:
        return read(path)
    except ImportError as error:
        raise click.ClickException("signatures need cryptography: pip install 'plumbline[signing]'") from error
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from error
