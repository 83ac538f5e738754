"""Keys derived from the root key (sending §4.2)."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.sending.keys import _SALT, GENERATION, ROOT_KEY_BYTES, Purpose, RootKey

SECRET = bytes(range(ROOT_KEY_BYTES))
KEY = RootKey(SECRET)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256, written from RFC 5869 and checked with its vectors below."""
    pseudorandom_key = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(pseudorandom_key, block + info + bytes([counter]), hashlib.sha256).digest()
        output, counter = output + block, counter + 1
    return output[:length]


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        pytest.param(
            b"\x0b" * 22,
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            id="RFC 5869, test case 1",
        ),
        pytest.param(
            b"\x0b" * 22,
            b"",
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            id="RFC 5869, test case 3",
        ),
    ],
)
def test_second_implementation_agrees_with_the_vectors(secret: bytes, salt: bytes, info: bytes, expected: str) -> None:
    assert hkdf(secret, salt, info, 42).hex() == expected


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1), st.sampled_from(Purpose), st.integers(1, 9))
def test_derived_keys_are_hkdf(secret: bytes, workspace_id: int, purpose: Purpose, generation: int) -> None:
    info = f"{workspace_id} {purpose} {generation}".encode()

    assert RootKey(secret).derived(workspace_id, purpose, generation) == hkdf(secret, _SALT, info, 32)


def test_fingerprint_is_hkdf() -> None:
    assert KEY.fingerprint() == hkdf(SECRET, _SALT, b"fingerprint", 16).hex()


def test_derived_keys_stay_the_same_for_ever() -> None:
    # Links in mail that was sent years ago are signed with these.
    assert KEY.fingerprint() == "69d5d9a64937a394ab3455e6937d2152"
    assert KEY.derived(7, Purpose.CLICK).hex() == "9f7961101d4d9ce21e2ef429c606bc589ff756cbd0b4863a6e6e26054d8e0ebb"


def test_keys_differ_by_workspace_purpose_generation_and_root_key() -> None:
    derived = {
        root.derived(workspace_id, purpose, generation)
        for root in (KEY, RootKey(bytes(32)))
        for workspace_id in (1, 2, 11, 12)
        for purpose in Purpose
        for generation in (GENERATION, 2, 11)
    }

    assert len(derived) == 2 * 4 * len(Purpose) * 3


@pytest.mark.parametrize("text", [SECRET.hex(), SECRET.hex().upper(), f"  {SECRET.hex()}\n"])
def test_key_is_read_from_hexadecimal_digits(text: str) -> None:
    assert RootKey.from_text(text, source="root.key") == KEY


@pytest.mark.parametrize("text", ["", "00", SECRET.hex()[:-2], f"{SECRET.hex()}00", f"x{SECRET.hex()[1:]}", "é" * 64])
def test_other_text_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"^root.key must contain 64 hexadecimal digits: make one with `openssl rand"
    ) as caught:
        RootKey.from_text(text, source="root.key")

    assert not text or text not in str(caught.value)


def test_text_of_a_key_shows_no_secret() -> None:
    shown = f"{KEY!r} {KEY} {[KEY]}"

    assert shown == "RootKey() RootKey() [RootKey()]"
    assert SECRET.hex() not in KEY.fingerprint()
