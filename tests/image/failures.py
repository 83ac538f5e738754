"""What can go wrong with the image.

Exception
├── BuildUnavailable       as of Go programs: the tests that need the build are skipped, with the reason
│   └── ImageUnavailable   this machine lacks what a build takes
└── ImageBuildFailed       a command of the build failed: a defect of the Dockerfile, or a registry that is unreachable
"""

from tests.go_programs.failures import BuildUnavailable


class ImageUnavailable(BuildUnavailable):
    """A program or a right is missing; the message says how to get it."""


class ImageBuildFailed(Exception):
    """A command of the build ended with an error; the message has its last lines."""
