"""`python -m tests.image build`, for the Makefile and for people."""

import sys

from tests.caches import CHECKOUT
from tests.go_programs.command_line import run_command
from tests.image.bill_of_materials import bill_of_materials
from tests.image.build import build_image, image_name, mounted
from tests.image.failures import ImageBuildFailed
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


if __name__ == "__main__":
    sys.exit(run_command("tests.image", __doc__, COMMANDS, (ImageBuildFailed,)))
