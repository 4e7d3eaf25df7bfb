"""Writes `NAME.cdx.json` beside each lock that an image is installed from: its bill of materials, in CycloneDX 1.6.

`make sbom` runs it in an environment of its own, for the locks that it is given. It lists what the lock installs on
Linux with Python 3.11, as in the images, each with the SHA-256 of the files that it may be installed from.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"
_IMAGE = {
    **{"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    **{"python_version": "3.11", "python_full_version": "3.11.15"},
    **{"implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": ""},
}


def main() -> None:
    """Write the bill of each lock that the arguments name. Exit with a message if one is not valid CycloneDX."""
    for lock in map(Path, sys.argv[1:]):
        text = _written(_bill(lock))
        if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            sys.exit(f"{lock}: {problem}")
        lock.with_suffix(".cdx.json").write_text(f"{text}\n", "utf-8")


def _bill(lock: Path) -> Bom:
    bill = Bom(components=_components(lock))
    version = re.search(r'^version = "(.+)"$', _PROJECT.read_text("utf-8"), re.M)
    image = Component(
        name=f"plumbline-{lock.stem}", version=version and version[1], type=ComponentType.APPLICATION, bom_ref="image"
    )
    bill.metadata.component = image
    bill.register_dependency(image, bill.components)
    return bill


def _components(lock: Path) -> Iterator[Component]:
    for entry in re.split(r"\n(?=\S)", lock.read_text("utf-8").strip()):
        stated, *hashes = re.split(r"\s*\\?\s+--hash=sha256:", entry)
        requirement = Requirement(stated)
        if requirement.marker and not requirement.marker.evaluate(_IMAGE):
            continue
        version = str(requirement.specifier).removeprefix("==")
        purl = PackageURL("pypi", None, requirement.name, version)
        digests = [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in hashes]
        yield Component(
            name=requirement.name,
            version=version,
            purl=purl,
            hashes=digests,
            type=ComponentType.LIBRARY,
            bom_ref=str(purl),
        )


def _written(bill: Bom) -> str:
    """Return the document, without the time and the number that would change each time it is made."""
    document = json.loads(JsonV1Dot6(bill).output_as_string())
    document.pop("serialNumber", None)
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
