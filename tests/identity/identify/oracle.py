"""What identity-rules §3 to §5 say of one identify call, told again from the document over plain dicts.

It shares with the code only the sentences of the reasons. Emails in it are addresses exactly if they end in ``.org``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from workspace_operator.identity.values import refusal_reasons

Names: TypeAlias = tuple[str | None, str | None]
"""The id and the email of somebody."""

Body: TypeAlias = Mapping[str, str | None]

OTHER = {"id": "email", "email": "id"}
NEW = "new person"

IDENTIFIERS = {
    "E2": {"id", "email", "cio_id"},
    "E1": {"id", "email", "cio_id"},
    "I0": {"id", "cio_id"},
    "I1": {"id", "cio_id"},
    "EmailOnly": {"id", "email", "cio_id"},
}

_EITHER = {"set email by id", "set email by cio_id", "set id by email", "set id by cio_id"}
_ID = {"change id by cio_id", "delete id by cio_id"}
_EMAIL_BY_CIO_ID = {"change email by cio_id", "delete email by cio_id"}

ALLOWED = {
    "E2": _EITHER | _ID | _EMAIL_BY_CIO_ID | {"change email by id", "delete email by id"},
    "E1": _EITHER | _ID | _EMAIL_BY_CIO_ID,
    "I0": {"set id by cio_id"},
    "I1": {"set id by cio_id", "change id by cio_id"},
    "EmailOnly": {"change email by cio_id"},
}
IMPORTED = {
    "E2": (_EITHER, _EITHER | _EMAIL_BY_CIO_ID),
    "E1": (_EITHER, _EITHER | _EMAIL_BY_CIO_ID),
    "I0": ({"set id by cio_id"}, {"set id by cio_id"}),
    "I1": ({"set id by cio_id"}, {"set id by cio_id"}),
    "EmailOnly": (set[str](), {"change email by cio_id"}),
}
"""The last row of identity-rules §3: else, and in update mode."""

SENTENCES = {
    "E2": {"email": refusal_reasons.EMAIL_BY_ID_OR_CIO_ID, "id": refusal_reasons.ID_BY_CIO_ID},
    "E1": {"email": refusal_reasons.EMAIL_BY_CIO_ID, "id": refusal_reasons.ID_BY_CIO_ID},
    "I0": {"id": refusal_reasons.ID_IS_IMMUTABLE},
    "I1": {"id": refusal_reasons.ID_BY_CIO_ID},
    "EmailOnly": {"email": refusal_reasons.EMAIL_BY_CIO_ID, "id": refusal_reasons.ID_IS_GENERATED},
}
IMPORT_SENTENCES = {"email": refusal_reasons.EMAIL_BY_IMPORT, "id": refusal_reasons.ID_BY_IMPORT}


@dataclass(frozen=True, kw_only=True)
class CaseSetup:
    """The settings and whom there is; those who come first in ``people`` are the older ones."""

    column: str
    merges: bool
    people: Mapping[str, Names]
    suppressed: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class IdentifyCase:
    kind: str
    value: str
    body: Body
    update_only: bool = False
    by_import: bool = False


@dataclass(kw_only=True)
class Expectation:
    """What has to come of it: who there is afterwards, and everything that is told.

    ``end`` is empty if the call was taken; ``rows`` are the lines of the tables that decided.
    """

    end: str
    people: dict[str, Names]
    reason: str = ""
    subject: str | None = None
    secondary: str | None = None
    refused: list[tuple[str, str | None, str]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


def key_of(kind: str, value: str) -> str | None:
    if kind == "email":
        return value.lower() if value.endswith((".org", ".ORG")) else None
    return value.removeprefix("cio_") if kind == "cio_id" else value


def not_given(id_: str) -> str:
    """identity-rules §1: the reason why nobody is given an id."""
    if id_.startswith("cio_"):
        return refusal_reasons.RESERVED_ID
    return refusal_reasons.PLACEHOLDER if id_.lower() in {"undefined", "null", "[object object]", "nan", "none"} else ""


def expected(world: CaseSetup, question: IdentifyCase) -> Expectation:
    return _Evaluation(world, question).evaluate()


class _Evaluation:
    """One question before the tables."""

    def __init__(self, world: CaseSetup, question: IdentifyCase) -> None:
        self.world, self.question = world, question
        self.people = dict(world.people)
        self.email_is_identifier = world.column not in {"I0", "I1"}
        self.mode_is_default = world.column in {"E2", "E1"}
        self.verdict = Expectation(end="", people=self.people)
        self.subject, self.identified_by, self.reference_is_update = "", question.kind, False

    def evaluate(self) -> Expectation:
        ended = self._match()
        if ended is not None:
            self.verdict.rows.append(ended[0])
            self.verdict.end, self.verdict.reason = ended[1:]
            return self.verdict
        for kind, value in self._updates():
            row, reason = self._rule(kind, value)
            self.verdict.rows.append(row)
            if reason:
                self.verdict.refused.append((kind, value, reason))
        if self.subject == NEW and self.mode_is_default and self._is_another_email(self._has("id"), self._has("email")):
            self.verdict.rows.append("last D")
            del self.people[NEW]
            self.verdict.end, self.verdict.reason = "rejected", refusal_reasons.NEW_ID_IS_AN_EMAIL
            return self.verdict
        self._plain_email()
        self.verdict.subject = self.subject
        return self.verdict

    # the first table of identity-rules §4

    def _match(self) -> tuple[str, str, str] | None:
        asked = self.question
        key = key_of(asked.kind, asked.value) or ""
        if asked.kind not in IDENTIFIERS[self.world.column]:
            return "a", "rejected", refusal_reasons.KIND_NOT_IN_MODE
        if asked.kind != "cio_id" and (asked.kind, key) in self.world.suppressed:
            return "b", "ignored", refusal_reasons.SUPPRESSED
        match = self._owner(asked.kind, key)
        if match is None and asked.kind == "id" and not_given(asked.value):
            return "reserved", "rejected", not_given(asked.value)
        if asked.kind == "cio_id" and match is None:
            return "b", "ignored", refusal_reasons.UNKNOWN_CIO_ID
        if asked.by_import and len(self._people_named()) > 1:
            return "import", "rejected", refusal_reasons.ROW_MATCHES_TWO_PEOPLE
        holder = self._address_owner_with_another_id()
        if holder is not None:
            return "import", "rejected", refusal_reasons.email_of_another_person(holder)
        if match is not None:
            self.subject = match
            self.verdict.rows.append("c")
            return None
        return self._match_by_other_identifier()

    def _address_owner_with_another_id(self) -> str | None:
        """Their id, if a row of a file in EmailOrID has an id that nobody has, and their address."""
        asked = self.question
        if not (asked.by_import and self.mode_is_default) or asked.kind == "cio_id":
            return None
        said = {**asked.body, asked.kind: asked.value}
        id_, email = said.get("id"), said.get("email")
        if not id_ or not email or self._owner("id", id_) is not None:
            return None
        owner = self._owner("email", key_of("email", email))
        return None if owner is None else self.people[owner][0]

    def _match_by_other_identifier(self) -> tuple[str, str, str] | None:
        asked = self.question
        other = OTHER[asked.kind]
        value = asked.body.get(other)
        found = None if value is None else self._owner(other, key_of(other, value))
        if found is not None:
            self.subject, self.identified_by, self.reference_is_update = found, other, True
            self.verdict.rows.append("d")
            return None
        if asked.update_only:
            return "e", "skipped", refusal_reasons.UPDATE_ONLY
        if self.world.column == "EmailOnly" and asked.kind == "id":
            return "f", "ignored", refusal_reasons.UNKNOWN_GENERATED_ID
        self.verdict.rows.append("f")
        self.subject = NEW
        made = (None, asked.value) if asked.kind == "email" else (asked.value, None)
        self.people[NEW] = (NEW, made[1]) if self.world.column == "EmailOnly" else made
        return None

    # the second table of identity-rules §4

    def _updates(self) -> Iterator[tuple[str, str | None]]:
        asked, body = self.question, self.question.body
        if self.reference_is_update:
            yield asked.kind, asked.value
        kinds = ("email", "id") if self.email_is_identifier else ("id",)
        yield from ((kind, body[kind]) for kind in kinds if body.get(kind) is not None)
        yield from ((kind, None) for kind in kinds if kind in body and body[kind] is None)
        if "cio_id" in body:
            yield "cio_id", body["cio_id"]

    def _rule(self, kind: str, value: str | None) -> tuple[str, str]:
        """The row that decides, and the reason if the value is refused."""
        if kind == "cio_id":
            is_theirs = value is not None and key_of("cio_id", value) == self.subject
            return "6", "" if is_theirs else refusal_reasons.CIO_ID_IS_IMMUTABLE
        if self._two_values(kind):
            return "d, last sentence", refusal_reasons.CONFLICTING_VALUES
        key, own = None if value is None else key_of(kind, value), self._has(kind)
        if key == (None if own is None else key_of(kind, own)) and (value is None or key is not None):
            self._assign(kind, value)
            return "1", ""
        if value is not None and ((kind, key) in self.world.suppressed or key is None):
            return "2", refusal_reasons.SUPPRESSED if key is not None else refusal_reasons.INVALID_EMAIL
        if kind == "id" and value is not None and not_given(value) and self._owner(kind, key) is None:
            return "reserved", not_given(value)
        owner = None if value is None else self._owner(kind, key)
        if owner is None:
            return "3", self._reject_or_assign(kind, value)
        if self._merges(kind, owner):
            self._merge(owner, kind, value)
            return "4", ""
        return "5", refusal_reasons.OWNED_BY_ANOTHER_PERSON

    def _two_values(self, kind: str) -> bool:
        asked = self.question
        if not self.reference_is_update or kind != asked.kind or kind not in asked.body:
            return False
        second = asked.body[kind]
        return second is None or key_of(kind, second) != key_of(kind, asked.value)

    # identity-rules §3

    def _reject_or_assign(self, kind: str, value: str | None) -> str:
        reason = self._rejection(kind, value)
        if not reason:
            self._assign(kind, value)
        return reason

    def _rejection(self, kind: str, value: str | None) -> str:
        step = "delete" if value is None else "set" if self._has(kind) is None else "change"
        if f"{step} {kind} by {self.identified_by}" not in self._allowed():
            never = not any(each.startswith(f"delete {kind}") for each in self._allowed())
            return refusal_reasons.DELETION_NOT_ALLOWED if step == "delete" and never else self._reasons()[kind]
        both = self.question.body.get("id", "") is None and self.question.body.get("email", "") is None
        if step == "delete" and (both or self._has(OTHER[kind]) is None):
            return refusal_reasons.LAST_IDENTIFIER
        if not self.mode_is_default:
            return ""
        if kind == "id" and value is not None and self._is_another_email(value, self._has("email")):
            return refusal_reasons.ID_IS_ANOTHER_EMAIL
        own_id, own_email = self._has("id"), self._has("email")
        is_the_id = (
            own_id is not None and own_email is not None and key_of("email", own_id) == key_of("email", own_email)
        )
        return refusal_reasons.EMAIL_IS_THE_ID if kind == "email" and is_the_id else ""

    def _allowed(self) -> set[str]:
        if self.question.by_import:
            return IMPORTED[self.world.column][self.question.update_only]
        return ALLOWED[self.world.column]

    def _reasons(self) -> Mapping[str, str]:
        return IMPORT_SENTENCES if self.question.by_import else SENTENCES[self.world.column]

    # identity-rules §5

    def _merges(self, kind: str, owner: str) -> bool:
        """Whether all that identity-rules §5 asks for holds."""
        if not (self.world.merges and self.mode_is_default) or self.identified_by == "cio_id":
            return False
        by_id, by_email = (owner, self.subject) if kind == "id" else (self.subject, owner)
        return kind != self.question.kind and self.people[by_id][1] is None and self.people[by_email][0] is None

    def _merge(self, owner: str, kind: str, value: str | None) -> None:
        order = list(self.world.people)
        elder, younger = sorted((self.subject, owner), key=order.index)
        mine, theirs = self.people[elder], self.people.pop(younger)
        self.people[elder] = (mine[0] or theirs[0], mine[1] or theirs[1])
        self.subject, self.verdict.secondary = elder, younger
        self._assign(kind, value)

    # people

    def _owner(self, kind: str, key: str | None) -> str | None:
        """Whom a value belongs to; in IDOnly an email is nobody's."""
        if kind == "cio_id":
            return key if key in self.people else None
        if key is None or (kind == "email" and not self.email_is_identifier):
            return None
        place = 0 if kind == "id" else 1
        for who, names in self.people.items():
            value = names[place]
            if value is not None and key_of(kind, value) == key:
                return who
        return None

    def _people_named(self) -> set[str]:
        asked = [(self.question.kind, self.question.value), *self.question.body.items()]
        found = [self._owner(kind, key_of(kind, value)) for kind, value in asked if value is not None]
        return {who for who in found if who is not None}

    def _has(self, kind: str) -> str | None:
        return self.people[self.subject][0 if kind == "id" else 1]

    def _assign(self, kind: str, value: str | None) -> None:
        id_, email = self.people[self.subject]
        self.people[self.subject] = (value, email) if kind == "id" else (id_, value)

    def _plain_email(self) -> None:
        if not self.email_is_identifier and "email" in self.question.body:
            self._assign("email", self.question.body["email"])

    def _is_another_email(self, id_: str | None, email: str | None) -> bool:
        key = None if id_ is None else key_of("email", id_)
        return key is not None and key != (None if email is None else key_of("email", email))
