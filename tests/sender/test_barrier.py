"""The barrier: once nothing of an earlier version is in flight, not one byte of its messages leaves (sending §3.4)."""

import os
import random
import time
from contextlib import AbstractContextManager
from statistics import median

from tests.e2e.waiting import wait_until
from tests.sender.post_office import QA, PostOffice, open_post_office
from tests.threads import repeating
from workspace_operator.sending.rules import SendMode

CHANGES = 1000 if os.environ.get("WORKSPACE_OPERATOR_PROOF") else 25
LONGEST = 31.0


def test_nothing_leaves_after_never_is_in_force(database_url: str) -> None:
    rng, waits = random.Random(7), list[float]()
    with open_post_office(database_url, connections=4) as office, office.running(), accepting(office):
        for change in range(CHANGES):
            office.set_mode(SendMode.NORMAL)
            wait_for_mail(office)
            office.sink.before_354, office.sink.before_250 = rng.choice(((0, 0), (0.03, 0), (0, 0.03), (0.1, 0.1)))
            office.set_mode(SendMode.NEVER)
            waits.append(wait_for_barrier(office))

            in_force = time.monotonic()
            office.sink.before_354 = office.sink.before_250 = 0
            time.sleep(0.02)

            assert office.sink.last_byte_at <= in_force, f"change {change}: a byte left after Never was in force"
            office.sink.transactions.clear()
    print(f"\n{CHANGES} changes: Ready after {median(waits) * 1000:.0f} ms (median), {max(waits):.2f} s at most")
    assert max(waits) < LONGEST


def test_hand_over_that_stalls_ends_at_its_deadline(database_url: str) -> None:
    with open_post_office(database_url) as office, office.running():
        office.sink.before_354 = 60
        office.accept()
        wait_until(lambda: office.sink.transactions)
        office.set_mode(SendMode.NEVER)

        waited = wait_for_barrier(office)
        office.sink.before_354 = 0
        time.sleep(0.1)

        assert 20 < waited < LONGEST
        assert office.sink.last_byte_at == 0
        assert office.sink.taken == 0


def test_message_to_a_person_who_is_deleted_under_way_is_waited_for(database_url: str) -> None:
    with open_post_office(database_url) as office, office.running():
        office.sink.before_354 = 60
        office.accept()
        wait_until(lambda: office.sink.transactions)
        office.delete_person()
        office.set_mode(SendMode.NEVER)

        assert office.observe().draining == 1

        office.sink.before_354 = 0
        wait_for_barrier(office)
        in_force = time.monotonic()
        time.sleep(0.1)

        assert office.sink.taken == 1
        assert office.sink.last_byte_at <= in_force


def test_new_test_address_is_a_change_of_the_rules(database_url: str) -> None:
    with open_post_office(database_url) as office, office.running(), accepting(office):
        office.set_mode(SendMode.TEST)
        wait_for_barrier(office)
        office.sink.transactions.clear()
        wait_for_mail(office)

        assert {taken.recipients for taken in office.sink.messages} == {(QA,)}


def accepting(office: PostOffice) -> AbstractContextManager[None]:
    """Messages are accepted all the time."""
    return repeating(lambda: office.accept(20), pause=0.02)


def wait_for_mail(office: PostOffice) -> None:
    """Until messages arrive under the rules that are in force now."""
    taken = office.sink.taken
    wait_until(lambda: office.sink.taken > taken + 5, within=20, every=0.002)


def wait_for_barrier(office: PostOffice) -> float:
    """Until nothing is in flight that began under an earlier version; seconds."""
    began = time.monotonic()
    wait_until(lambda: office.observe().draining == 0, within=40, every=0.005)
    return time.monotonic() - began
