"""`python -m tests.image build`, for the Makefile and for people."""

import argparse
import os
import sys

from tests.caches import CHECKOUT
from tests.image.bill_of_materials import bill_of_materials
from tests.image.build import build_image, image_name, mounted
from tests.image.failures import ImageBuildFailed, ImageUnavailable
from tests.image.sizes import parts, table

RESULTS = CHECKOUT / "build" / "image"


def build() -> int:
    """Make the image if its sources have changed, write its bill of materials, and print what it consists of."""
    image_id = build_image(sys.stderr)
    name = image_name()
    document = RESULTS / f"{name.rpartition('/')[2].replace(':', '-')}.cdx.json"
    document.parent.mkdir(parents=True, exist_ok=True)
    with mounted(image_id) as image:
        document.write_text(bill_of_materials(image), encoding="utf-8")
        print(table(parts(image)))
    print(f"image: {name}, {image_id[:12]}, in the storage of buildah and podman")
    print(f"bill of materials: {document.relative_to(CHECKOUT)}")
    return 0


COMMANDS = {"build": build}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.image", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.__doc__)
    try:
        return COMMANDS[parser.parse_args().command]()
    except ImageUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return os.EX_UNAVAILABLE
    except ImageBuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
