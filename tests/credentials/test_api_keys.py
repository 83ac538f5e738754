"""Keys: long enough, fit for every header, never shown, known to the store by digest only."""

import re
import secrets
from dataclasses import astuple

from workspace_operator.application.operator.api_keys import digest, digests_of, generate_api_keys


def test_each_key_has_its_own_random_bytes() -> None:
    asked: list[int] = []

    def counting(size: int) -> bytes:
        asked.append(size)
        return bytes([len(asked)]) * size

    keys = generate_api_keys(counting)

    assert asked == [32, 32, 32]
    assert astuple(keys) == ("01" * 32, "02" * 32, "03" * 32)


def test_keys_survive_basic_auth() -> None:
    keys = generate_api_keys(secrets.token_bytes)

    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in astuple(keys))


def test_keys_are_never_shown() -> None:
    keys = generate_api_keys(secrets.token_bytes)

    assert not any(key in f"{keys!r} {keys}" for key in astuple(keys))


def test_digests_belong_to_their_keys() -> None:
    keys = generate_api_keys(secrets.token_bytes)

    digests = digests_of(keys)

    assert astuple(digests) == tuple(map(digest, astuple(keys)))


def test_digest_is_sha_256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_whatever_is_sent_has_a_digest() -> None:
    assert digest("\udcff") != digest("")
