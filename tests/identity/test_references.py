import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.references import Reference, reference_by_kind, reference_by_shape
from workspace_operator.identity.rules import Kind, Mode

ALL = tuple(Mode)
WITH_EMAIL = (Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY)


def per_mode(*rows: tuple[str, tuple[Mode, ...], Kind, str]) -> list[tuple[str, Mode, Kind, str]]:
    return [(text, mode, kind, key) for text, modes, kind, key in rows for mode in modes]


@pytest.mark.parametrize(
    ("text", "mode", "kind", "key"),
    per_mode(
        ("cio_abc", ALL, Kind.CIO_ID, "abc"),
        ("cio_a@x.org", ALL, Kind.CIO_ID, "a@x.org"),
        ("CIO_abc", ALL, Kind.ID, "CIO_abc"),
        ("Ann@X.org", WITH_EMAIL, Kind.EMAIL, "ann@x.org"),
        ("Ann@X.org", (Mode.ID_ONLY,), Kind.ID, "Ann@X.org"),
        ("a@b", ALL, Kind.ID, "a@b"),
        ("Ab100", ALL, Kind.ID, "Ab100"),
        (" 1 ", ALL, Kind.ID, " 1 "),
        ("\u200bann@x.org\u200b", (Mode.ID_ONLY,), Kind.ID, "\u200bann@x.org\u200b"),
    ),
)
def test_shape_decides_among_kinds(text: str, mode: Mode, kind: Kind, key: str) -> None:
    assert reference_by_shape(text, mode) == Reference(kind=kind, value=text, key=key)


@pytest.mark.parametrize("text", [" Ann@X.org", "Ann@X.org\xa0", "\u200bAnn@X.org\ufeff"])
def test_email_is_without_white_space_around(text: str) -> None:
    expected = Reference(kind=Kind.EMAIL, value="Ann@X.org", key="ann@x.org")

    assert reference_by_shape(text, Mode.EMAIL_OR_ID) == expected
    assert reference_by_kind(text, Kind.EMAIL, Mode.EMAIL_OR_ID) == expected


def test_number_is_an_id() -> None:
    assert reference_by_shape(42, Mode.EMAIL_OR_ID) == Reference(kind=Kind.ID, value="42", key="42")


@pytest.mark.parametrize("raw", ["", " ", None, "cio_", "\u200b\xa0"])
def test_empty_reference_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="reference is empty") as caught:
        reference_by_shape(raw, Mode.EMAIL_OR_ID)

    assert caught.value.field == "reference"


@pytest.mark.parametrize(
    ("raw", "kind", "key"),
    [
        ("a@x.org", Kind.ID, "a@x.org"),
        ("cio_abc", Kind.ID, "cio_abc"),
        ("A@X.org", Kind.EMAIL, "a@x.org"),
        ("cio_abc", Kind.CIO_ID, "abc"),
        ("abc", Kind.CIO_ID, "abc"),
        (7, Kind.CIO_ID, "7"),
    ],
)
def test_caller_says_the_kind(raw: object, kind: Kind, key: str) -> None:
    reference = reference_by_kind(raw, kind, Mode.EMAIL_OR_ID)

    assert (reference.kind, reference.key) == (kind, key)
    assert reference.identifier == (kind, key)


@pytest.mark.parametrize(
    ("raw", "kind", "mode", "words"),
    [
        ("a@x.org", Kind.EMAIL, Mode.ID_ONLY, "email is no identifier in mode IDOnly: use one of cio_id, id"),
        ("nobody", Kind.EMAIL, Mode.EMAIL_OR_ID, "'nobody' is not a valid email address"),
        ("ben@exam\u200bple.org", Kind.EMAIL, Mode.EMAIL_OR_ID, r"address: it contains U\+200B, which cannot be seen"),
        (f"{'a' * 300}@x.org", Kind.EMAIL, Mode.EMAIL_OR_ID, "is not a valid email address"),
        ("é" * 76, Kind.ID, Mode.EMAIL_OR_ID, "has 152 bytes, 150 are allowed"),
        ("a" * 151, Kind.CIO_ID, Mode.EMAIL_OR_ID, "has 151 bytes, 150 are allowed"),
        ("cio_", Kind.CIO_ID, Mode.EMAIL_OR_ID, "is empty"),
        ("", Kind.EMAIL, Mode.EMAIL_OR_ID, "is empty"),
        (True, Kind.ID, Mode.EMAIL_OR_ID, "send text or a number"),
        ("a\0", Kind.ID, Mode.EMAIL_OR_ID, "contains NUL"),
    ],
)
def test_bad_references_are_refused(raw: object, kind: Kind, mode: Mode, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        reference_by_kind(raw, kind, mode, field="identifiers")

    assert caught.value.field == "identifiers"


def test_field_is_the_kind_by_default() -> None:
    with pytest.raises(InvalidInput) as caught:
        reference_by_kind("", Kind.EMAIL, Mode.EMAIL_OR_ID)

    assert caught.value.field == "email"


@pytest.mark.parametrize("mode", ALL)
def test_email_is_suppressed_in_every_mode(mode: Mode) -> None:
    reference = reference_by_kind("A@x.org", Kind.EMAIL, mode, suppressing=True)

    assert reference.identifier == (Kind.EMAIL, "a@x.org")


def test_generated_ids_name_people() -> None:
    assert reference_by_kind("abc", Kind.ID, Mode.EMAIL_ONLY).identifier == (Kind.ID, "abc")
