"""`python -m tests.image build`, for the Makefile and for people."""

import argparse
import os
import sys

from tests.image.build import build_image, image_name
from tests.image.failures import ImageBuildFailed, ImageUnavailable


def build() -> int:
    """Make the image if its sources have changed."""
    image_id = build_image(sys.stderr)
    print(f"image: {image_name()}, {image_id[:12]}, in the storage of buildah and podman")
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
