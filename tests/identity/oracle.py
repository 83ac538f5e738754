"""What identity-rules §3 to §5 say of one identify call, told again from the document over plain dicts.

It shares with the code only the sentences of the reasons. Emails in it are addresses exactly if they end in ``.org``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from workspace_operator.identity import reasons

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
    "E2": {"email": reasons.EMAIL_BY_ID_OR_CIO_ID, "id": reasons.ID_BY_CIO_ID},
    "E1": {"email": reasons.EMAIL_BY_CIO_ID, "id": reasons.ID_BY_CIO_ID},
    "I0": {"id": reasons.ID_IS_FIXED},
    "I1": {"id": reasons.ID_BY_CIO_ID},
    "EmailOnly": {"email": reasons.EMAIL_BY_CIO_ID, "id": reasons.ID_IS_GENERATED},
}
IMPORT_SENTENCES = {"email": reasons.EMAIL_BY_IMPORT, "id": reasons.ID_BY_IMPORT}


@dataclass(frozen=True, kw_only=True)
class World:
    """The settings and whom there is; those who come first in ``people`` are the older ones."""

    column: str
    merges: bool
    people: Mapping[str, Names]
    blocked: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Question:
    kind: str
    value: str
    body: Body
    update_only: bool = False
    by_import: bool = False


@dataclass(kw_only=True)
class Verdict:
    """What has to come of it: who there is afterwards, and everything that is told.

    ``end`` is empty if the call was taken; ``rows`` are the lines of the tables that decided.
    """

    end: str
    people: dict[str, Names]
    reason: str = ""
    subject: str | None = None
    absorbed: str | None = None
    refused: list[tuple[str, str | None, str]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


def key_of(kind: str, value: str) -> str | None:
    if kind == "email":
        return value.lower() if value.endswith((".org", ".ORG")) else None
    return value.removeprefix("cio_") if kind == "cio_id" else value


def not_given(id_: str) -> str:
    """identity-rules §1: the reason why nobody is given an id."""
    if id_.startswith("cio_"):
        return reasons.RESERVED_ID
    return reasons.PLACEHOLDER if id_.lower() in {"undefined", "null", "[object object]", "nan", "none"} else ""


def verdict(world: World, question: Question) -> Verdict:
    return _Court(world, question).judge()


class _Court:
    """One question before the tables."""

    def __init__(self, world: World, question: Question) -> None:
        self.world, self.question = world, question
        self.people = dict(world.people)
        self.mails = world.column not in {"I0", "I1"}
        self.mode_is_default = world.column in {"E2", "E1"}
        self.verdict = Verdict(end="", people=self.people)
        self.who, self.named_by, self.wished = "", question.kind, False

    def judge(self) -> Verdict:
        ended = self._find()
        if ended is not None:
            self.verdict.rows.append(ended[0])
            self.verdict.end, self.verdict.reason = ended[1:]
            return self.verdict
        for kind, value in self._wishes():
            row, reason = self._rule(kind, value)
            self.verdict.rows.append(row)
            if reason:
                self.verdict.refused.append((kind, value, reason))
        if self.who == NEW and self.mode_is_default and self._is_another_email(self._has("id"), self._has("email")):
            self.verdict.rows.append("last D")
            del self.people[NEW]
            self.verdict.end, self.verdict.reason = "rejected", reasons.NOBODY_S_ADDRESS
            return self.verdict
        self._plain_email()
        self.verdict.subject = self.who
        return self.verdict

    # the first table of identity-rules §4

    def _find(self) -> tuple[str, str, str] | None:
        asked = self.question
        key = key_of(asked.kind, asked.value) or ""
        if asked.kind not in IDENTIFIERS[self.world.column]:
            return "a", "rejected", reasons.NO_IDENTIFIER_HERE
        if asked.kind != "cio_id" and (asked.kind, key) in self.world.blocked:
            return "b", "ignored", reasons.SUPPRESSED
        match = self._owner(asked.kind, key)
        if match is None and asked.kind == "id" and not_given(asked.value):
            return "reserved", "rejected", not_given(asked.value)
        if asked.kind == "cio_id" and match is None:
            return "b", "ignored", reasons.UNKNOWN_CIO_ID
        if asked.by_import and len(self._everybody_named()) > 1:
            return "import", "rejected", reasons.TWO_PEOPLE
        holder = self._holder_of_the_address_with_another_id()
        if holder is not None:
            return "import", "rejected", reasons.address_of_another(holder)
        if match is not None:
            self.who = match
            self.verdict.rows.append("c")
            return None
        return self._by_the_other_kind()

    def _holder_of_the_address_with_another_id(self) -> str | None:
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

    def _by_the_other_kind(self) -> tuple[str, str, str] | None:
        asked = self.question
        other = OTHER[asked.kind]
        value = asked.body.get(other)
        found = None if value is None else self._owner(other, key_of(other, value))
        if found is not None:
            self.who, self.named_by, self.wished = found, other, True
            self.verdict.rows.append("d")
            return None
        if asked.update_only:
            return "e", "skipped", reasons.ONLY_UPDATES
        if self.world.column == "EmailOnly" and asked.kind == "id":
            return "f", "ignored", reasons.UNKNOWN_GENERATED_ID
        self.verdict.rows.append("f")
        self.who = NEW
        made = (None, asked.value) if asked.kind == "email" else (asked.value, None)
        self.people[NEW] = (NEW, made[1]) if self.world.column == "EmailOnly" else made
        return None

    # the second table of identity-rules §4

    def _wishes(self) -> Iterator[tuple[str, str | None]]:
        asked, body = self.question, self.question.body
        if self.wished:
            yield asked.kind, asked.value
        kinds = ("email", "id") if self.mails else ("id",)
        yield from ((kind, body[kind]) for kind in kinds if body.get(kind) is not None)
        yield from ((kind, None) for kind in kinds if kind in body and body[kind] is None)
        if "cio_id" in body:
            yield "cio_id", body["cio_id"]

    def _rule(self, kind: str, value: str | None) -> tuple[str, str]:
        """The row that decides, and the reason if the value is refused."""
        if kind == "cio_id":
            is_theirs = value is not None and key_of("cio_id", value) == self.who
            return "6", "" if is_theirs else reasons.CIO_ID_IS_FIXED
        if self._two_values(kind):
            return "d, last sentence", reasons.TWO_VALUES
        key, own = None if value is None else key_of(kind, value), self._has(kind)
        if key == (None if own is None else key_of(kind, own)) and (value is None or key is not None):
            self._give(kind, value)
            return "1", ""
        if value is not None and ((kind, key) in self.world.blocked or key is None):
            return "2", reasons.SUPPRESSED if key is not None else reasons.INVALID_EMAIL
        if kind == "id" and value is not None and not_given(value) and self._owner(kind, key) is None:
            return "reserved", not_given(value)
        owner = None if value is None else self._owner(kind, key)
        if owner is None:
            return "3", self._object_or_give(kind, value)
        if self._merges(kind, owner):
            self._merge(owner, kind, value)
            return "4", ""
        return "5", reasons.OTHERS

    def _two_values(self, kind: str) -> bool:
        asked = self.question
        if not self.wished or kind != asked.kind or kind not in asked.body:
            return False
        second = asked.body[kind]
        return second is None or key_of(kind, second) != key_of(kind, asked.value)

    # identity-rules §3

    def _object_or_give(self, kind: str, value: str | None) -> str:
        reason = self._objection(kind, value)
        if not reason:
            self._give(kind, value)
        return reason

    def _objection(self, kind: str, value: str | None) -> str:
        step = "delete" if value is None else "set" if self._has(kind) is None else "change"
        if f"{step} {kind} by {self.named_by}" not in self._allowed():
            never = not any(each.startswith(f"delete {kind}") for each in self._allowed())
            return reasons.NOT_DELETED if step == "delete" and never else self._sentences()[kind]
        both = self.question.body.get("id", "") is None and self.question.body.get("email", "") is None
        if step == "delete" and (both or self._has(OTHER[kind]) is None):
            return reasons.LAST_IDENTIFIER
        if not self.mode_is_default:
            return ""
        if kind == "id" and value is not None and self._is_another_email(value, self._has("email")):
            return reasons.ID_IS_ANOTHER_EMAIL
        own_id, own_email = self._has("id"), self._has("email")
        is_the_id = (
            own_id is not None and own_email is not None and key_of("email", own_id) == key_of("email", own_email)
        )
        return reasons.EMAIL_IS_THE_ID if kind == "email" and is_the_id else ""

    def _allowed(self) -> set[str]:
        if self.question.by_import:
            return IMPORTED[self.world.column][self.question.update_only]
        return ALLOWED[self.world.column]

    def _sentences(self) -> Mapping[str, str]:
        return IMPORT_SENTENCES if self.question.by_import else SENTENCES[self.world.column]

    # identity-rules §5

    def _merges(self, kind: str, owner: str) -> bool:
        """Whether all that identity-rules §5 asks for holds."""
        if not (self.world.merges and self.mode_is_default) or self.named_by == "cio_id":
            return False
        by_id, by_email = (owner, self.who) if kind == "id" else (self.who, owner)
        return kind != self.question.kind and self.people[by_id][1] is None and self.people[by_email][0] is None

    def _merge(self, owner: str, kind: str, value: str | None) -> None:
        order = list(self.world.people)
        elder, younger = sorted((self.who, owner), key=order.index)
        mine, theirs = self.people[elder], self.people.pop(younger)
        self.people[elder] = (mine[0] or theirs[0], mine[1] or theirs[1])
        self.who, self.verdict.absorbed = elder, younger
        self._give(kind, value)

    # people

    def _owner(self, kind: str, key: str | None) -> str | None:
        """Whom a value belongs to; in IDOnly an email is nobody's."""
        if kind == "cio_id":
            return key if key in self.people else None
        if key is None or (kind == "email" and not self.mails):
            return None
        place = 0 if kind == "id" else 1
        for who, names in self.people.items():
            value = names[place]
            if value is not None and key_of(kind, value) == key:
                return who
        return None

    def _everybody_named(self) -> set[str]:
        asked = [(self.question.kind, self.question.value), *self.question.body.items()]
        found = [self._owner(kind, key_of(kind, value)) for kind, value in asked if value is not None]
        return {who for who in found if who is not None}

    def _has(self, kind: str) -> str | None:
        return self.people[self.who][0 if kind == "id" else 1]

    def _give(self, kind: str, value: str | None) -> None:
        id_, email = self.people[self.who]
        self.people[self.who] = (value, email) if kind == "id" else (id_, value)

    def _plain_email(self) -> None:
        if not self.mails and "email" in self.question.body:
            self._give("email", self.question.body["email"])

    def _is_another_email(self, id_: str | None, email: str | None) -> bool:
        key = None if id_ is None else key_of("email", id_)
        return key is not None and key != (None if email is None else key_of("email", email))
