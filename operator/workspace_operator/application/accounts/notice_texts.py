"""What notices to admins say (accounts §6): numbers and names of resources, and no personal data."""

from dataclasses import dataclass
from typing import Any, assert_never

from workspace_operator.application.ports import Notice, NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """Subject and plain text of a notice."""

    subject: str
    body: str


def notice_text(notice: Notice, *, console_url: str = "") -> NoticeText:
    """The text of a notice. With the URL of the console it links to the page where the admins can act.

    The link has no token: whoever gets the mail, or a copy of it, signs in first (console.md, decision 14).
    """
    text = _text(notice, console_url)
    account = notice.workspace.account
    return NoticeText(
        subject=f"{_title(notice)}: {text.subject}",
        body=f'{text.body}\n\nYou get this message because you are an admin of the account "{account}".\n',
    )


def _text(notice: Notice, console_url: str) -> NoticeText:
    match notice.key.kind:
        case NoticeKind.MIGRATION_BLOCKED:
            return _blocked(notice, console_url)
        case NoticeKind.MIGRATION_COMPLETED:
            return _completed(notice)
        case NoticeKind.TRANSPORT_REFUSES:
            return _refuses(notice)
        case _ as never:
            assert_never(never)


def _blocked(notice: Notice, console_url: str) -> NoticeText:
    details, name = notice.details, _resource(notice)
    blocking, people = details["blocking"], _people(details["people"])
    verb = "blocks" if blocking == 1 else "block"
    page = f"{console_url}/w/{notice.key.workspace_id}/cleanup"
    way = (
        f"Decide in the web console what happens to each of them:\n\n  {page}\n\nOr get their list"
        if console_url
        else "Get the list of these people"
    )
    violations = "\n".join(f"  {name} {number}" for name, number in details["violations"].items() if number)
    return NoticeText(
        subject=f"the change to {details['to']} is blocked",
        body=(
            f"The change of the identifiers of {_title(notice)} from {details['from']} to {details['to']} is "
            "blocked.\n\n"
            f"{blocking} of {people} {verb} it; a person can have several violations:\n\n{violations}\n\n"
            f"{details['from']} stays in force. {way} with\n\n"
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


def _title(notice: Notice) -> str:
    return f'workspace "{notice.workspace.settings.display_name}" ({_resource(notice)})'


def _resource(notice: Notice) -> str:
    owner = notice.workspace.owner
    return f"{owner.namespace}/{owner.name}"


def _people(number: Any) -> str:
    return "1 person" if number == 1 else f"{number} people"
