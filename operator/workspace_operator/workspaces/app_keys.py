"""What requests with the App key of a workspace may do (track-api §2)."""

from enum import StrEnum


class AppKeyMay(StrEnum):
    """The value of ``spec.credentials.appKeyMay``.

    ``READ`` allows every route but those that clean up people, and ``CLEAN`` these, too. A leaked key of a reporting
    system must not be able to delete everybody.
    """

    READ = "Read"
    CLEAN = "Clean"

    @classmethod
    def stored(cls, text: str) -> "AppKeyMay":
        """The value that a stored text names; ``READ`` if this version does not know it."""
        return cls.CLEAN if text == cls.CLEAN else cls.READ
