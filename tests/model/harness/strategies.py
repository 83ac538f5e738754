"""What the state machine can say: few ids, addresses and people, so that calls get in each other's way."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.model.harness.commands import (
    UNKNOWN_CIO_ID,
    AddDeviceCommand,
    AnonymousEventCommand,
    AnyCommand,
    DeleteDeviceCommand,
    EventCommand,
    IdentifyCommand,
    MergeCommand,
    Name,
    RemovalCommand,
    RemovalType,
    SegmentCommand,
)
from workspace_operator.identity.model.commands import DeletePerson, Suppress, Unsuppress
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, EmailUpdates, IdentityRules, IDUpdates, Mode

LATER = 4_000_000_000
"""A time in the future, until somebody lives to see it."""

BORN = [1_000_000_000, "2001-09-09T01:46:41Z", 20010909, "1000000000500"]
"""Times long ago, in the forms that callers have for them."""

IDS = st.sampled_from(["1", "2", "1", "2", "ab", "AB", "a@x.org", "b@x.org", "cio_7", "None"])
EMAILS = st.sampled_from(["a@x.org", "A@X.org", "b@x.org", "c@x.org", "Σ@straße.de", "ς@straße.de", "d@strasse.de"])
CIO_IDS = st.sampled_from([*(f"#{number}" for number in range(6)), "cio_#0", "cio_#1", UNKNOWN_CIO_ID])
TYPED = {ID: IDS, EMAIL: EMAILS, CIO_ID: CIO_IDS}
UNTYPED = st.sampled_from(
    ["1", "2", "null", "ab", "a@x.org", "A@X.org", "b@x.org", "c@x.org", "cio_#0", "cio_#1", "cio_#2"]
)
ODD = st.sampled_from(["", " ", "cio_", "ß" * 76, "nobody@", "undefined", "cio_cio_7", "cio_NaN"])

ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(["pro", "", None, 1, True, 1.0, ["x"]]),
        "size": st.sampled_from(["s", None]),
        "created_at": st.sampled_from([*BORN, "soon", LATER, str(LATER), 45_322, "2024", -1, True, None]),
        "unsubscribed": st.sampled_from([True, "1", False, None, "yes"]),
        "anonymous_id": st.sampled_from(["x-1", "x-2", "x-2", "undefined"]),
        "_timestamp": st.sampled_from([-1000, -50, -1, 0, 50]),
        "_update": st.sampled_from([False, False, True]),
    },
)
ATTRIBUTE_NAMES = {f"a{number}": number for number in range(298)}
WRONG_BODIES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"id": True},
        {"email": True},
        {"email": ["a@x.org"]},
        {"plan": "x" * 1001},
        {"_timestamp": -LATER},
        {"email": "\0"},
    ]
)
EVENTS = st.fixed_dictionaries(
    {"name": st.sampled_from(["bought", " seen "])},
    optional={
        "type": st.sampled_from(["event", "page", "screen"]),
        "id": st.sampled_from(["e-1", "e-2"]),
        "timestamp": st.sampled_from([BORN[0], BORN[1], LATER]),
        "data": st.sampled_from([None, {"price": 1.0}]),
        "anonymous_id": st.sampled_from(["x-1", "x-2", "", "null"]),
    },
)
TOKENS = st.sampled_from(["t-1", "t-2"])
DEVICES = st.fixed_dictionaries(
    {"id": TOKENS, "platform": st.sampled_from(["ios", "android"])},
    optional={
        "last_used": st.sampled_from([BORN[0], BORN[1], LATER]),
        "attributes": st.sampled_from([None, {"app": 2}]),
    },
)


def is_given(id_: str) -> bool:
    """Whether somebody can be given this id."""
    return id_ not in {"cio_7", "None"}


def seldom(draw: st.DrawFn, *, one_in: int) -> bool:
    """Whether to say something odd."""
    return draw(st.integers(1, one_in)) == one_in


KNOWN_NAMES = st.builds(Name, kind=st.just(CIO_ID), text=st.sampled_from([f"#{number}" for number in range(5)]))
"""Names of people who are there, or were."""


@st.composite
def names(draw: st.DrawFn) -> Name:
    if draw(st.booleans()):
        return draw(KNOWN_NAMES)
    kind = draw(st.sampled_from([ID, EMAIL, CIO_ID, None]))
    if seldom(draw, one_in=12):
        return Name(kind=kind, text=draw(ODD))
    return Name(kind=kind, text=draw(UNTYPED if kind is None else TYPED[kind]))


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """What is said of identifiers and attributes; seldom as many attributes as can be."""
    said: dict[str, Any] = {}
    for kind, values in TYPED.items():
        if draw(st.booleans()):
            said[kind.value] = draw(st.sampled_from([None, ""]) if seldom(draw, one_in=5) else values)
    if seldom(draw, one_in=15):
        said["email"] = draw(st.sampled_from(["nobody", 5, "undefined", True, {"a": 1}]))
    crowd = ATTRIBUTE_NAMES if seldom(draw, one_in=20) else {}
    return {**said, **draw(ATTRIBUTES), **crowd}


@st.composite
def plain_identifies(draw: st.DrawFn) -> IdentifyCommand:
    """One identifier, mostly with the other one: what makes people, changes them and merges them."""
    kind, other = draw(st.sampled_from([(ID, EMAIL), (EMAIL, ID), (CIO_ID, ID), (CIO_ID, EMAIL)]))
    body = {other.value: draw(TYPED[other])} if draw(st.booleans()) else {}
    return IdentifyCommand(name=Name(kind=kind, text=draw(TYPED[kind])), body={**body, **draw(ATTRIBUTES)})


@st.composite
def newcomers(draw: st.DrawFn) -> list[AnyCommand]:
    """People to begin with: some with both identifiers, most with one."""
    ids = draw(st.lists(IDS.filter(is_given), unique=True, min_size=1, max_size=4))
    emails = draw(st.lists(EMAILS, unique=True, min_size=1, max_size=4))
    both = draw(st.integers(0, 2))
    by_id = [IdentifyCommand(name=Name(kind=ID, text=id_), body=_of_newcomer(draw, id_)) for id_ in ids]
    by_email = [IdentifyCommand(name=Name(kind=EMAIL, text=email), body=draw(ATTRIBUTES)) for email in emails[both:]]
    result = [
        replace(command, body={**command.body, "email": email})
        for command, email in zip(by_id, emails[:both], strict=False)
    ]
    return [*result, *by_id[both:], *by_email]


SHARED = st.sampled_from(["b@x.org", "B@x.org", "c@x.org", "c@x.org", "d@strasse.de", None])
"""Addresses that several people have, if addresses are nobody's."""


@st.composite
def violations(draw: st.DrawFn) -> AnyCommand:
    """What matters to who has which address, of people who are most likely there."""
    whom = Name(kind=CIO_ID, text=f"#{draw(st.integers(0, 4))}")
    match draw(st.integers(0, 6)):
        case 0 | 6:
            blocking: list[RemovalType] = [Suppress, Suppress, Unsuppress]
            return RemovalCommand(
                name=Name(kind=EMAIL, text=draw(SHARED) or "a@x.org"), verb=draw(st.sampled_from(blocking))
            )
        case 1:
            removing: list[RemovalType] = [DeletePerson, Suppress]
            return RemovalCommand(name=whom, verb=draw(st.sampled_from(removing)))
        case 2:
            return MergeCommand(name=whom, other=draw(KNOWN_NAMES))
        case 3:
            return IdentifyCommand(name=whom, body={"created_at": draw(st.sampled_from([*BORN, None]))})
        case 4:
            return IdentifyCommand(name=Name(kind=ID, text=draw(IDS)), body={"email": draw(SHARED)})
        case _:
            return IdentifyCommand(name=whom, body={"email": draw(SHARED | st.just("nobody"))})


@st.composite
def sharers(draw: st.DrawFn) -> list[AnyCommand]:
    """People to begin with, where some share an address; and a few for modes in which nobody can."""
    ids = draw(st.lists(st.sampled_from([*"12345", "ab", "AB"]), unique=True, min_size=2, max_size=7))
    by_id = [IdentifyCommand(name=Name(kind=ID, text=id_), body=_of_sharer(draw)) for id_ in ids]
    first = {"email": draw(st.sampled_from(["b@x.org", "B@x.org"]))}
    by_id[:2] = [replace(each, body={**each.body, **first}) for each in by_id[:2]]
    emails = draw(st.lists(EMAILS, unique=True, max_size=3))
    return [*by_id, *(IdentifyCommand(name=Name(kind=EMAIL, text=email), body=draw(ATTRIBUTES)) for email in emails)]


def _of_sharer(draw: st.DrawFn) -> dict[str, Any]:
    email = draw(SHARED)
    return {**draw(ATTRIBUTES), **({} if email is None else {"email": email})}


def _of_newcomer(draw: st.DrawFn, id_: str) -> dict[str, Any]:
    """Somebody whose id is an address has it as their email, too: otherwise they would not come in."""
    return {**draw(ATTRIBUTES), **({"email": id_} if "@" in id_ else {})}


@st.composite
def identifies(draw: st.DrawFn) -> IdentifyCommand:
    """What is told of people: by calls, seldom wrong, or by the rows of a file."""
    by_import, update_only = seldom(draw, one_in=5), seldom(draw, one_in=5)
    body = draw(WRONG_BODIES if seldom(draw, one_in=30) else bodies())
    return IdentifyCommand(name=draw(names()), body=body, update_only=update_only, by_import=by_import)


@st.composite
def removals(draw: st.DrawFn) -> RemovalCommand:
    verbs: list[RemovalType] = [DeletePerson, DeletePerson, Suppress, Unsuppress, Unsuppress]
    return RemovalCommand(name=draw(names()), verb=draw(st.sampled_from(verbs)))


@st.composite
def merges(draw: st.DrawFn) -> MergeCommand:
    return MergeCommand(name=draw(names()), other=draw(names()))


@st.composite
def record_commands(draw: st.DrawFn) -> AnyCommand:
    """What hangs on people."""
    match draw(st.integers(0, 4)):
        case 0:
            return EventCommand(name=draw(names()), event=draw(EVENTS))
        case 1:
            return AnonymousEventCommand(event=draw(EVENTS))
        case 2:
            return AddDeviceCommand(name=draw(names()), device=draw(DEVICES))
        case 3:
            return DeleteDeviceCommand(name=draw(names()), token=draw(TOKENS))
        case _:
            return SegmentCommand(name=draw(names()), segment=draw(st.integers(1, 2)), member=draw(st.booleans()))


@st.composite
def commands(draw: st.DrawFn) -> AnyCommand:
    """Anything."""
    kinds: list[st.SearchStrategy[AnyCommand]] = [
        plain_identifies(),
        plain_identifies(),
        identifies(),
        identifies(),
        removals(),
    ]
    return draw(st.sampled_from([*kinds, merges(), record_commands(), record_commands()]).flatmap(lambda kind: kind))


RULES = st.builds(
    IdentityRules,
    mode=st.sampled_from([Mode.EMAIL_OR_ID, Mode.EMAIL_OR_ID, Mode.EMAIL_OR_ID, Mode.ID_ONLY, Mode.EMAIL_ONLY]),
    email_updates=st.sampled_from(EmailUpdates),
    id_updates=st.sampled_from(IDUpdates),
    merge_multi_identifier=st.sampled_from([True, True, False]),
)

MIGRATION_RULES = st.builds(
    IdentityRules,
    mode=st.sampled_from([*[Mode.ID_ONLY] * 6, Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY]),
    email_updates=st.sampled_from(EmailUpdates),
    id_updates=st.sampled_from(IDUpdates),
    merge_multi_identifier=st.sampled_from([True, True, False]),
)
