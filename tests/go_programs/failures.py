"""What can go wrong when programs are built from Go sources.

Exception
├── BuildUnavailable   this machine has not what it takes; tests that need the program are skipped, with the reason
└── BuildFailed        the sources do not compile: a defect of ours
"""


class BuildUnavailable(Exception):
    """Neither a Go toolchain nor the modules are available, or the disk is too full to build."""


class BuildFailed(Exception):
    """The Go sources do not compile."""
