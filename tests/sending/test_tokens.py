"""Signed tokens: what is read back, and what forged ones are worth (sending §5.4)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.tokens import MAC_BYTES, MAX_TOKEN_CHARACTERS, Token, _mac, read_unsigned, sign, verify

KEY, OTHER_KEY = RootKey(bytes(range(32))), RootKey(bytes(32))
DELIVERY = "0193a5b0c0ffee0123456789"
TOKEN = Token(workspace_id=7, delivery_id=DELIVERY)
SIGNED = sign(TOKEN, Purpose.OPEN, KEY)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

workspace_ids = st.integers(0, 2**63 - 1)
tokens = st.builds(
    Token,
    workspace_id=workspace_ids,
    delivery_id=st.binary(min_size=12, max_size=12).map(bytes.hex),
    is_test=st.booleans(),
)
purposes = st.sampled_from(Purpose)


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def signed_payload(payload: bytes, workspace_id: int = 7) -> str:
    """A payload with the right signature: only what it says can be wrong."""
    return encoded(payload + _mac(KEY.derived(workspace_id, Purpose.OPEN), payload, b""))


@given(tokens, purposes, st.binary(max_size=100))
def test_signed_tokens_are_read_back(token: Token, purpose: Purpose, bound: bytes) -> None:
    text = sign(token, purpose, KEY, bound=bound)

    assert verify(text, purpose, KEY, bound=bound) == token
    assert len(text) <= MAX_TOKEN_CHARACTERS


def test_token_of_a_usual_workspace_is_short_and_fits_into_an_url() -> None:
    assert len(SIGNED) == 32
    assert set(SIGNED) <= set(ALPHABET)


@given(tokens, purposes, purposes)
def test_token_for_one_purpose_is_worthless_for_another(token: Token, one: Purpose, other: Purpose) -> None:
    assert (verify(sign(token, one, KEY), other, KEY) is None) == (one is not other)


@given(tokens, purposes)
def test_token_of_another_root_key_is_worthless(token: Token, purpose: Purpose) -> None:
    assert verify(sign(token, purpose, OTHER_KEY), purpose, KEY) is None


@given(tokens, st.binary(max_size=50), st.binary(max_size=50))
def test_token_is_bound_to_its_target(token: Token, bound: bytes, other: bytes) -> None:
    text = sign(token, Purpose.CLICK, KEY, bound=bound)

    assert (verify(text, Purpose.CLICK, KEY, bound=other) is None) == (bound != other)


@given(workspace_ids, workspace_ids)
def test_token_of_another_workspace_is_worthless(workspace_id: int, other: int) -> None:
    mine, theirs = (
        sign(Token(workspace_id=number, delivery_id=DELIVERY), Purpose.OPEN, KEY) for number in (workspace_id, other)
    )
    forged = encoded(raw(theirs)[:-MAC_BYTES] + raw(mine)[-MAC_BYTES:])

    assert (verify(forged, Purpose.OPEN, KEY) is None) == (workspace_id != other)


@given(tokens)
def test_test_token_cannot_become_a_live_one(token: Token) -> None:
    content = bytearray(raw(sign(token, Purpose.UNSUBSCRIBE, KEY)))
    content[2] ^= 1

    assert verify(encoded(bytes(content)), Purpose.UNSUBSCRIBE, KEY) is None


@pytest.mark.parametrize("bit", range(8 * len(raw(SIGNED))))
def test_every_bit_is_signed(bit: int) -> None:
    content = bytearray(raw(SIGNED))
    content[bit // 8] ^= 1 << bit % 8

    assert verify(encoded(bytes(content)), Purpose.OPEN, KEY) is None


@pytest.mark.parametrize("length", range(len(SIGNED)))
def test_truncated_token_is_worthless(length: int) -> None:
    assert verify(SIGNED[:length], Purpose.OPEN, KEY) is None


@pytest.mark.parametrize(
    "text",
    [
        f"{SIGNED}=",
        f"{SIGNED}A",
        f"{SIGNED}AAAA",
        f" {SIGNED}",
        f"{SIGNED}\n",
        f"{SIGNED[:9]}!{SIGNED[9:]}",
        f"{SIGNED[:8]}===={SIGNED[8:]}",
        "A" * 200,
        "é" * 32,
        "\x00",
        "====",
    ],
)
def test_other_spellings_are_worthless(text: str) -> None:
    assert verify(text, Purpose.OPEN, KEY) is None


@given(tokens)
def test_standard_alphabet_and_spare_bits_are_other_spellings(token: Token) -> None:
    text = sign(token, Purpose.OPEN, KEY)
    standard = text.replace("-", "+").replace("_", "/")
    spare = text[:-1] + ALPHABET[ALPHABET.index(text[-1]) ^ 1]

    assert {verify(other, Purpose.OPEN, KEY) for other in (standard, spare) if other != text} <= {None}


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\x02\x01\x00\x07", id="another version"),
        pytest.param(b"\x01\x02\x00\x07", id="another key generation"),
        pytest.param(b"\x01\x01\x02\x07", id="an unknown flag"),
        pytest.param(b"\x01\x01\x00", id="no workspace"),
        pytest.param(b"\x01\x01\x00\x87\x00", id="a number that is longer than needed"),
        pytest.param(b"\x01\x01\x00\x87", id="a number that does not end"),
        pytest.param(b"\x01\x01\x00\x07\x07", id="two numbers"),
        pytest.param(b"\x01\x01\x00" + b"\xff" * 9 + b"\x01", id="a number of 70 bits"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_signature_does_not_help_a_malformed_payload(head: bytes) -> None:
    assert verify(signed_payload(head + bytes.fromhex(DELIVERY)), Purpose.OPEN, KEY) is None


def test_payload_of_the_right_form_is_accepted() -> None:
    assert signed_payload(b"\x01\x01\x00\x07" + bytes.fromhex(DELIVERY)) == SIGNED


@pytest.mark.parametrize("workspace_id", [0, 1, 127, 128, 16383, 16384, 2**31, 2**63 - 1])
def test_workspace_numbers_of_every_length_are_read_back(workspace_id: int) -> None:
    token = Token(workspace_id=workspace_id, delivery_id=DELIVERY, is_test=True)

    assert verify(sign(token, Purpose.DELIVERY, KEY), Purpose.DELIVERY, KEY) == token


@given(st.text(ALPHABET, max_size=70) | st.text(max_size=40))
def test_arbitrary_text_is_no_token(text: str) -> None:
    assert verify(text, Purpose.OPEN, KEY) is None


@given(tokens, purposes)
def test_administrator_reads_tokens_without_their_key(token: Token, purpose: Purpose) -> None:
    assert read_unsigned(sign(token, purpose, KEY)) == token


@pytest.mark.parametrize("text", ["", "x", DELIVERY, SIGNED + "A", SIGNED[1:], "é" * 32, "A" * 65, f"{SIGNED}="])
def test_other_text_is_no_token_for_an_administrator(text: str) -> None:
    assert read_unsigned(text) is None
