"""Validation rules of Accounts that a schema cannot express: CEL, and the comparison of addresses (accounts §1)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.resources import display_names, email_addresses
from workspace_operator.resources.accounts import NAME_MAX_LENGTH, AccountSpec
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.rules import (
    DISPLAY_NAME_IS_VISIBLE,
    IS_LABEL,
    IS_SENDER,
    LABEL,
    NOT_A_LABEL,
    NOT_A_SENDER,
    Rule,
)

NOTICES = ("spec", "notices")

NAME_CAN_BE_AN_ACCOUNT_NAME = Rule(
    field=("metadata", "name"),
    expression=(
        "!has(self.metadata.name) || "
        f"(size(self.metadata.name) <= {NAME_MAX_LENGTH} && self.metadata.name.matches('^{LABEL}$'))"
    ),
    message=f"must be at most {NAME_MAX_LENGTH} lower-case letters, digits and hyphens, as spec.accountName of a "
    "Workspace",
)
ADMINS_ARE_ADDRESSES = Rule(
    scope=("spec", "admins"),
    expression=f"self.all(admin, {email_addresses.is_address('admin')})",
    message="must be e-mail addresses and nothing else, such as ada@shop.example",
)
MEMBERS_ARE_ADDRESSES = Rule(
    scope=("spec", "members"),
    expression=f"self.all(member, {email_addresses.is_address('member.email')})",
    message="must have one e-mail address and nothing else as email, such as ada@shop.example",
)
TRANSPORT_IS_A_LABEL = Rule(scope=(*NOTICES, "transport"), expression=IS_LABEL, message=NOT_A_LABEL)
SENDER_IS_A_MAILBOX = Rule(scope=(*NOTICES, "from"), expression=IS_SENDER, message=NOT_A_SENDER)
DISPLAY_NAME_IS_VISIBLE_ALWAYS = Rule(
    scope=("spec", "displayName"), expression=display_names.EXPRESSION, message=DISPLAY_NAME_IS_VISIBLE.message
)

RULES = (
    NAME_CAN_BE_AN_ACCOUNT_NAME,
    DISPLAY_NAME_IS_VISIBLE_ALWAYS,
    ADMINS_ARE_ADDRESSES,
    MEMBERS_ARE_ADDRESSES,
    TRANSPORT_IS_A_LABEL,
    SENDER_IS_A_MAILBOX,
)


def people_problems(spec: AccountSpec) -> tuple[Problem, ...]:
    """What CEL cannot check: that each address has an e-mail key, and that no list has one address twice."""
    admins = ((f"spec.admins[{number}]", email) for number, email in enumerate(spec.admins))
    members = ((f"spec.members[{number}].email", member.email) for number, member in enumerate(spec.members))
    return (*_address_problems(admins), *_address_problems(members))


def _address_problems(addresses: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for path, email in addresses:
        key = email_key(email)
        if key is None:
            yield Problem(path=path, message="must be a valid e-mail address")
        else:
            paths[key].append(path)
    for first, *others in paths.values():
        yield from (Problem(path=path, message=f"must not be the same address as {first}") for path in others)
