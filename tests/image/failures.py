"""What can go wrong with the image.

Exception
├── ImageUnavailable   this machine lacks what a build takes; tests of the image are skipped, with the reason
└── ImageBuildFailed   a command of the build failed: a defect of the Dockerfile, or a registry that is unreachable
"""


class ImageUnavailable(Exception):
    """A program or a right is missing; the message says how to get it."""


class ImageBuildFailed(Exception):
    """A command of the build ended with an error; the message has its last lines."""
