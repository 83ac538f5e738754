"""Senders, acceptances and changes of the rules at the same time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import Sender, accept, ended, states
from workspace_operator.errors import StaleRevision
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.rules import SendMode

THREADS, EACH = 3, 12


def send_all(env: WorkspaceEnv, worker: str) -> int:
    """Hand over what is due until the room is idle; how many messages were begun."""
    sender, begun = Sender(env, worker), 0
    while sender.take_room():
        with suppress(StaleRevision):
            while queued := sender.claim(4):
                due = sender.begin(*queued)
                sender.end(*(ended(each.message.delivery_id) for each in queued if each.message.delivery_id in due))
                sender.in_hand.clear()
                begun += len(due)
            sender.release()
    return begun


def test_no_message_is_forgotten_by_an_idle_room(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")

    def accept_some() -> None:
        for _ in range(EACH):
            accept(sql_env)

    with ThreadPoolExecutor(THREADS + 1) as pool:
        accepting = [pool.submit(accept_some) for _ in range(THREADS)]
        sending = pool.submit(lambda: [send_all(sql_env, "s1") for _ in range(3 * EACH)])
        for each in accepting:
            each.result()
        begun = sum(sending.result())
    begun += send_all(sql_env, "s1")

    assert states(sql_env) == [DeliveryState.SENT] * THREADS * EACH
    assert begun == THREADS * EACH


def test_two_senders_begin_each_message_once(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    for _ in range(EACH):
        accept(sql_env)

    with ThreadPoolExecutor(2) as pool:
        begun = sum(pool.map(lambda worker: send_all(sql_env, worker), ("s1", "s2")))

    assert begun == EACH
    assert states(sql_env) == [DeliveryState.SENT] * EACH


def test_changes_of_the_rules_and_hand_overs_get_through(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")

    def change() -> None:
        for number in range(EACH):
            mode = SendMode.NEVER if number % 2 else SendMode.NORMAL
            sql_env.update_settings(send_mode=mode)
            accept(sql_env)

    with ThreadPoolExecutor(2) as pool:
        changing = pool.submit(change)
        while not changing.done():
            send_all(sql_env, "s1")
        changing.result()
    send_all(sql_env, "s1")

    assert states(sql_env) == [DeliveryState.SENT] * EACH
