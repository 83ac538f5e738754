"""The contract of the port AddressBlocks."""

from typing import Any

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import AddressBlock, BlockKind
from workspace_operator.errors import NotFound

ANN = "ann@shop.example"


def block(env: WorkspaceEnv, email_key: str = ANN, kind: BlockKind = BlockKind.BOUNCE, **changed: Any) -> AddressBlock:
    values = {"since": env.store.clock(), "reason": "5.1.1", **changed}
    return AddressBlock(kind=kind, email_key=email_key, **values)


def add(env: WorkspaceEnv, *blocks: AddressBlock) -> None:
    env.store.address_blocks.add(env.workspace_id, blocks)


def test_blocks_of_an_address_are_found(env: WorkspaceEnv) -> None:
    spam, bounce = block(env, kind=BlockKind.SPAM), block(env)

    add(env, spam, bounce, block(env, "bob@shop.example"))

    assert list(env.store.address_blocks.find(env.workspace_id, ANN)) == [bounce, spam]
    assert list(env.store.address_blocks.find(env.workspace_id, "eve@shop.example")) == []


def test_block_that_exists_keeps_its_time(env: WorkspaceEnv) -> None:
    first = block(env)
    add(env, first)
    env.store.clock.advance(60)

    add(env, block(env, reason="again"))

    assert list(env.store.address_blocks.find(env.workspace_id, ANN)) == [first]


def test_blocks_of_a_kind_are_listed_by_address(env: WorkspaceEnv) -> None:
    blocks = [block(env, f"{name}@shop.example") for name in "cab"]
    add(env, *blocks, block(env, kind=BlockKind.BLOCK))

    found = [
        env.store.address_blocks.list(env.workspace_id, BlockKind.BOUNCE, limit=2, offset=offset) for offset in (0, 2)
    ]

    assert [[each.email_key[0] for each in page] for page in found] == [["a", "b"], ["c"]]


def test_removed_block_is_gone(env: WorkspaceEnv) -> None:
    add(env, block(env), block(env, kind=BlockKind.SPAM))
    blocks = env.store.address_blocks

    assert not blocks.remove(env.workspace_id, BlockKind.BLOCK, ANN)
    assert blocks.remove(env.workspace_id, BlockKind.BOUNCE, ANN)
    assert blocks.blocked(env.workspace_id, [ANN]) == {ANN}
    assert blocks.remove(env.workspace_id, BlockKind.SPAM, ANN)
    assert blocks.blocked(env.workspace_id, [ANN]) == frozenset()


def test_block_says_nothing_in_another_workspace(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, env.mode)

    add(other, block(other))

    assert env.store.address_blocks.blocked(env.workspace_id, [ANN]) == frozenset()


def test_unknown_workspace_takes_no_block(env: WorkspaceEnv) -> None:
    add(env)

    with pytest.raises(NotFound):
        env.store.address_blocks.add(env.workspace_id + 999, [block(env)])
