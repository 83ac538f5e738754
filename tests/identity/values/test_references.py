import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.references import Reference, parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode

ALL = tuple(Mode)
WITH_EMAIL = (Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY)


def per_mode(*rows: tuple[str, tuple[Mode, ...], IdentifierKind, str]) -> list[tuple[str, Mode, IdentifierKind, str]]:
    return [(text, mode, kind, key) for text, modes, kind, key in rows for mode in modes]


@pytest.mark.parametrize(
    ("text", "mode", "kind", "key"),
    per_mode(
        ("cio_abc", ALL, IdentifierKind.CIO_ID, "abc"),
        ("cio_a@x.org", ALL, IdentifierKind.CIO_ID, "a@x.org"),
        ("CIO_abc", ALL, IdentifierKind.ID, "CIO_abc"),
        ("Ann@X.org", WITH_EMAIL, IdentifierKind.EMAIL, "ann@x.org"),
        ("Ann@X.org", (Mode.ID_ONLY,), IdentifierKind.ID, "Ann@X.org"),
        ("a@b", ALL, IdentifierKind.ID, "a@b"),
        ("Ab100", ALL, IdentifierKind.ID, "Ab100"),
        (" 1 ", ALL, IdentifierKind.ID, " 1 "),
        ("\u200bann@x.org\u200b", (Mode.ID_ONLY,), IdentifierKind.ID, "\u200bann@x.org\u200b"),
    ),
)
def test_shape_decides_among_kinds(text: str, mode: Mode, kind: IdentifierKind, key: str) -> None:
    assert parse_reference(text, mode) == Reference(kind=kind, value=text, key=key)


@pytest.mark.parametrize("text", [" Ann@X.org", "Ann@X.org\xa0", "\u200bAnn@X.org\ufeff"])
def test_email_is_without_white_space_around(text: str) -> None:
    expected = Reference(kind=IdentifierKind.EMAIL, value="Ann@X.org", key="ann@x.org")

    assert parse_reference(text, Mode.EMAIL_OR_ID) == expected
    assert reference_of_kind(text, IdentifierKind.EMAIL, Mode.EMAIL_OR_ID) == expected


def test_number_is_an_id() -> None:
    assert parse_reference(42, Mode.EMAIL_OR_ID) == Reference(kind=IdentifierKind.ID, value="42", key="42")


@pytest.mark.parametrize("raw", ["", " ", None, "cio_", "\u200b\xa0"])
def test_empty_reference_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="reference is empty") as caught:
        parse_reference(raw, Mode.EMAIL_OR_ID)

    assert caught.value.field == "reference"


@pytest.mark.parametrize(
    ("raw", "kind", "key"),
    [
        ("a@x.org", IdentifierKind.ID, "a@x.org"),
        ("cio_abc", IdentifierKind.ID, "cio_abc"),
        ("A@X.org", IdentifierKind.EMAIL, "a@x.org"),
        ("cio_abc", IdentifierKind.CIO_ID, "abc"),
        ("abc", IdentifierKind.CIO_ID, "abc"),
        (7, IdentifierKind.CIO_ID, "7"),
    ],
)
def test_caller_says_the_kind(raw: object, kind: IdentifierKind, key: str) -> None:
    reference = reference_of_kind(raw, kind, Mode.EMAIL_OR_ID)

    assert (reference.kind, reference.key) == (kind, key)
    assert reference.identifier == (kind, key)


@pytest.mark.parametrize(
    ("raw", "kind", "mode", "words"),
    [
        ("a@x.org", IdentifierKind.EMAIL, Mode.ID_ONLY, "email is no identifier in mode IDOnly: use one of cio_id, id"),
        ("nobody", IdentifierKind.EMAIL, Mode.EMAIL_OR_ID, "'nobody' is not a valid email address"),
        (
            "ben@exam\u200bple.org",
            IdentifierKind.EMAIL,
            Mode.EMAIL_OR_ID,
            r"address: it contains U\+200B, which cannot be seen",
        ),
        (f"{'a' * 300}@x.org", IdentifierKind.EMAIL, Mode.EMAIL_OR_ID, "is not a valid email address"),
        ("é" * 76, IdentifierKind.ID, Mode.EMAIL_OR_ID, "has 152 bytes, 150 are allowed"),
        ("a" * 151, IdentifierKind.CIO_ID, Mode.EMAIL_OR_ID, "has 151 bytes, 150 are allowed"),
        ("cio_", IdentifierKind.CIO_ID, Mode.EMAIL_OR_ID, "is empty"),
        ("", IdentifierKind.EMAIL, Mode.EMAIL_OR_ID, "is empty"),
        (True, IdentifierKind.ID, Mode.EMAIL_OR_ID, "send text or a number"),
        ("a\0", IdentifierKind.ID, Mode.EMAIL_OR_ID, "contains NUL"),
    ],
)
def test_bad_references_are_refused(raw: object, kind: IdentifierKind, mode: Mode, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        reference_of_kind(raw, kind, mode, field="identifiers")

    assert caught.value.field == "identifiers"


def test_field_is_the_kind_by_default() -> None:
    with pytest.raises(InvalidInput) as caught:
        reference_of_kind("", IdentifierKind.EMAIL, Mode.EMAIL_OR_ID)

    assert caught.value.field == "email"


@pytest.mark.parametrize("mode", ALL)
def test_email_is_suppressed_in_every_mode(mode: Mode) -> None:
    reference = reference_of_kind("A@x.org", IdentifierKind.EMAIL, mode, for_suppression=True)

    assert reference.identifier == (IdentifierKind.EMAIL, "a@x.org")


def test_generated_ids_name_people() -> None:
    assert reference_of_kind("abc", IdentifierKind.ID, Mode.EMAIL_ONLY).identifier == (IdentifierKind.ID, "abc")
