"""What the sign-in pages show."""

import re
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.sessions.company_sign_in import Refusal
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible

_is_error_code: Final = re.compile("[a-z_]{1,40}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """The page for somebody who is not signed in.

    Attributes:
        note: why somebody was signed out, or was not signed in; empty for nothing.
        is_link_used: whether the note is about a link, so that the command makes another one.
        company_href: begins a sign-in with a company account; empty without an identity provider.
        is_company_refused: whether the note is about a company account.
    """

    note: str
    is_link_used: bool = False
    company_href: str = ""
    is_company_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterView:
    """The page behind a link from the terminal: the secret of the link, as it came."""

    token: str


def refusal_view(reason: Refusal, *, company_href: str, address: str, error: str) -> SignInView:
    """The page for somebody whose company account was refused.

    Args:
        reason: why.
        company_href: begins another attempt.
        address: the address that was refused; empty if there is none.
        error: the provider's code of an error, which strangers can choose.
    """
    code = error if _is_error_code(error) else text("company.no_code")
    note = text(f"company.{reason}", address=visible(address), error=code)
    return SignInView(note=note, company_href=company_href, is_company_refused=True)
