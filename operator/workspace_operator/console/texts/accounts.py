"""Texts of signing in with a company account, and of the pages of accounts."""

from collections.abc import Mapping
from typing import Final

ACCOUNT_TEXTS: Final[Mapping[str, str]] = {
    # Sign-in with a company account
    "signin.company": "Sign in with company account",
    "signin.again": "Try again",
    "company.foreign": "This sign-in was begun in another browser or window, or more than 10 minutes ago.",
    "company.cancelled": "The company sign-in was cancelled ({error}).",
    "company.unavailable": (
        "The company sign-in does not answer as it should. Whoever runs the console finds the reason in its log."
    ),
    "company.untrusted": (
        "The company sign-in did not prove who you are. Whoever runs the console finds the reason in its log."
    ),
    "company.no_address": "Your company account names no e-mail address, so the console cannot identify you.",
    "company.unverified": "Your company account has not confirmed this address, so it cannot be used here.",
    "company.unknown": "{address} is in no account here. Ask an admin to add this address to the Account resource.",
    "company.other_subject": (
        "This address was used with another company account before. An admin can reset it under Account > Sign-ins."
    ),
    "company.no_code": "no reason given",
    "action.signed_in": "Signed in",
    "action.signed_out": "Signed out",
    "action.sign_in_refused": "Sign-in refused",
    "action.session_ended": "Session ended",
    "action.sign_in_reset": "Sign-in reset",
    # Account
    "account.title": "Account",
    "account.own": "Your sessions",
    "account.installation": "Sessions of the administrators of the installation",
    "account.signed_in": "Signed in",
    "account.person": "Who",
    "account.browser": "Browser",
    "account.active": "Last active",
    "account.here": "this browser",
    "account.end": "Sign out",
    "account.end_named": "the session of {person} since {time}",
    "account.list": "Sign-ins",
    "account.list_hint": "Members, their sign-ins and sessions of the accounts that you administer:",
    "account.log": "History of all sign-ins",
    # Members of an account
    "members.title": "Sign-ins of {account}",
    "members.hint": (
        "The Account resource names admins and members. A sign-in binds an address to one company account; another one "
        "is refused until the sign-in is reset."
    ),
    "members.caption": "Admins and members of {account}",
    "members.none": "The Account resource names neither admins nor members.",
    "members.address": "Address",
    "members.role": "Role",
    "members.admin": "Admin of every workspace",
    "members.member": "{role} of {workspaces}",
    "members.last": "Last sign-in",
    "members.never": "never",
    "members.sessions": "Sessions",
    "members.no_session": "none",
    "members.reset": "Reset sign-in",
    "members.reset_named": "of {person}",
    "members.next": "More people",
    "members.change": "How are admins and members changed?",
    "members.change_hint": "Change the Account resource, in Git or with kubectl. These lines add a member:",
}
