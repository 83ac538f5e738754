"""What the sign-in pages show."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """The page for somebody who is not signed in.

    Attributes:
        note: why somebody was signed out, or was not signed in; empty for nothing.
        is_link_used: whether the note is about a link, so that the command makes another one.
    """

    note: str
    is_link_used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterView:
    """The page behind a link from the terminal: the secret of the link, as it came."""

    token: str
