"""What notices to admins say (accounts §6): numbers and names of resources, and no personal data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.application.ports import Notice, NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """Subject and plain text of a notice."""

    subject: str
    body: str


def notice_text(notice: Notice) -> NoticeText:
    """The text of a notice."""
    text = _TEXTS[notice.key.kind](notice)
    account = notice.workspace.account
    return NoticeText(
        subject=f"{_title(notice)}: {text.subject}",
        body=f'{text.body}\n\nYou get this message because you are an admin of the account "{account}".\n',
    )


def _blocked(notice: Notice) -> NoticeText:
    details, name = notice.details, _resource(notice)
    blocking, people = details["blocking"], _people(details["people"])
    verb = "blocks" if blocking == 1 else "block"
    violations = "\n".join(f"  {name} {number}" for name, number in details["violations"].items() if number)
    return NoticeText(
        subject=f"the change to {details['to']} is blocked",
        body=(
            f"The change of the identifiers of {_title(notice)} from {details['from']} to {details['to']} is "
            "blocked.\n\n"
            f"{blocking} of {people} {verb} it; a person can have several violations:\n\n{violations}\n\n"
            f"{details['from']} stays in force. Get the list of these people with\n\n"
            f"  workspacectl exports get --workspace {name} --latest -o FILE\n\n"
            "and correct them. The change is then tried again by itself. This is the only message about it until it "
            "goes through."
        ),
    )


def _completed(notice: Notice) -> NoticeText:
    details, name = notice.details, _resource(notice)
    merged = details["merged"]
    merges = (
        f" {_people(merged)} became part of another person; list the merges with\n\n"
        f"  workspacectl merges list --workspace {name}\n\nwhich can also be undone."
    )
    return NoticeText(
        subject=f"the change to {details['to']} went through",
        body=(
            f"The change of the identifiers of {_title(notice)} from {details['from']} to {details['to']} went "
            f"through: {details['to']} is in force for {_people(details['people'])}.{merges if merged else ''}"
        ),
    )


def _refuses(notice: Notice) -> NoticeText:
    details, name = notice.details, _resource(notice)
    transport = details["transport"]
    return NoticeText(
        subject=f"the transport {transport} refuses messages",
        body=(
            f"The SMTP server of the transport {transport} refused a message of {_title(notice)} for good, with code "
            f"{details['code']}: the message, or its sender, is not accepted. The message failed, and is not tried "
            "again. List such messages with\n\n"
            f"  workspacectl messages list --workspace {name} --state failed\n\n"
            "Messages of other workspaces of the account may be refused as well. This message comes at most once a "
            "day for each account and transport."
        ),
    )


_TEXTS: Final[Mapping[NoticeKind, Callable[[Notice], NoticeText]]] = {
    NoticeKind.MIGRATION_BLOCKED: _blocked,
    NoticeKind.MIGRATION_COMPLETED: _completed,
    NoticeKind.TRANSPORT_REFUSES: _refuses,
}


def _title(notice: Notice) -> str:
    return f'workspace "{notice.workspace.settings.display_name}" ({_resource(notice)})'


def _resource(notice: Notice) -> str:
    owner = notice.workspace.owner
    return f"{owner.namespace}/{owner.name}"


def _people(number: Any) -> str:
    return "1 person" if number == 1 else f"{number} people"
