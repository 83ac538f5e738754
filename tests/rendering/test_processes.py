"""Render processes: hostile templates end in time, hurt no other message, and no process stays (sending §7)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ProcessIdentity, wait_until_gone
from tests.rendering.jobs import KEY, content, render_job
from tests.threads import run_together
from workspace_operator.errors import Unavailable
from workspace_operator.rendering.processes import RenderProcesses
from workspace_operator.rendering.tasks import Limits
from workspace_operator.sending.messages import Attachment, RenderedMessage, RenderFailure

REPOSITORY = Path(__file__).resolve().parents[2]
LIST = "{% assign many = numbers | split: ',' %}"
NUMBERS = ",".join(str(number * 7919 % 10_007) for number in range(10_000))

BOMBS = {
    "chain of replace": "{{ 'aaaaaaaaaa'" + " | replace: 'a', 'aaaaaaaaaa'" * 9 + " }}",
    "long chain of replace": "{{ text" + " | replace: 'a', 'aa' | replace: 'aa', 'a'" * 2000 + " }}",
    "1000 sorts": LIST + "{{ many" + " | sort" * 1000 + " | size }}",
    "1000 natural sorts": LIST + "{{ many" + " | sort_natural | reverse | uniq" * 1000 + " | size }}",
    "sorts in a loop": LIST + "{% for i in (1..9999) %}{{ many | sort | first }}{% endfor %}",
    "range to join": "{{ (1..999999999) | join: ',' }}",
    "range to sum": "{{ (1..9999999999) | sum }}",
    "range to sort": "{{ (1..99999999) | reverse | sort | first }}",
    "product": "{{ 9" + " | times: 999999999999999999" * 3500 + " }}",
    "text of numbers": "{{ '" + "9" * 50_000 + "' | times: '" + "9" * 40_000 + "' }}",
    "nested loops": "{% for a in (1..99) %}" * 25 + "x" + "{% endfor %}" * 25,
    "unclosed braces": "{{" * 50_000,
    "blanks in braces": "{{" + " " * 99_000 + "}}",
    "unclosed raw": "{% raw %}" * 11_000,
    "lines of liquid": "{% liquid " + "\n" * 90_000 + " %}",
    "100 kB of filters": "{{ text" + "|upcase" * 14_000 + " }}",
    "strip of html": "{{ text | replace: 'a', '<' | append: text | strip_html }}",
    "width of a date": "{{ 'now' | date: '%999999999d%999999999d%999999999d' }}",
    "deep conditions": "{% if a" + " and a" * 15_000 + " %}x{% endif %}",
    "growing capture": "{% assign a = text %}" + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40 + "{{ a }}",
    "growing array": LIST + "{% assign many = many | concat: many %}" * 40 + "{{ many | size }}",
}

MEMORY_BOMBS = {
    "reverse": "{% assign a = (1..999999999) | reverse %}{{ a | size }}",
    "sort": "{{ (1..999999999) | sort | size }}",
}


@pytest.fixture(scope="module")
def processes() -> Iterator[RenderProcesses]:
    pool = RenderProcesses(KEY, processes=2)
    pool.render([render_job()] * 2)
    yield pool
    pool.close()


def pids(pool: RenderProcesses) -> set[int]:
    return {child.pid for child in pool._children}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_ends_in_time_and_hurts_no_other(processes: RenderProcesses, bomb: str) -> None:
    data = {"text": "a" * 45_000, "numbers": NUMBERS}
    jobs = [render_job(), render_job(content(body=bomb), data=data), render_job(content("{{ 1 | plus: 1 }}"))]
    start = time.monotonic()

    first, hostile, last = processes.render(jobs)

    assert time.monotonic() - start < 10
    assert isinstance(first, RenderedMessage)
    assert isinstance(hostile, RenderFailure) or len(hostile.entity) < 2_000_000
    assert isinstance(last, RenderedMessage)
    assert last.subject == "2"


def test_bombs_of_one_caller_let_others_have_their_turn() -> None:
    bombs = [render_job(content(body=BOMBS["blanks in braces"])) for _ in range(8)]
    pool = RenderProcesses(KEY, processes=1, limits=Limits(seconds=0.4))
    ended = list[str]()

    def render_bombs() -> None:
        pool.render(bombs)
        ended.append("bombs")

    def render_receipt() -> None:
        time.sleep(0.5)
        [receipt] = pool.render([render_job()])
        assert isinstance(receipt, RenderedMessage)
        ended.append("receipt")

    run_together(render_bombs, render_receipt)
    pool.close()

    assert ended == ["receipt", "bombs"]


@pytest.mark.parametrize("bomb", MEMORY_BOMBS.values(), ids=MEMORY_BOMBS.keys())
def test_memory_bomb_hurts_no_other(processes: RenderProcesses, bomb: str) -> None:
    jobs = [render_job(), render_job(content(body=bomb), data={"text": "a" * 90_000}), render_job()]

    first, hostile, last = processes.render(jobs)

    assert isinstance(first, RenderedMessage)
    assert isinstance(hostile, RenderFailure)
    assert isinstance(last, RenderedMessage)


def test_messages_after_memory_bombs_are_rendered() -> None:
    pool = RenderProcesses(KEY, processes=2)
    bombs = [render_job(content(body=MEMORY_BOMBS["sort"])) for _ in range(2)]

    for _ in range(10):
        assert all(isinstance(answer, RenderFailure) for answer in pool.render(bombs))
        assert all(isinstance(answer, RenderedMessage) for answer in pool.render([render_job()] * 4))

    pool.close()


def test_bomb_is_killed_within_its_second(processes: RenderProcesses) -> None:
    job = render_job(content(body=BOMBS["blanks in braces"]))
    processor_seconds = time.process_time()
    start = time.monotonic()

    answer = processes.render([job])

    assert answer == [RenderFailure("the template takes longer than 1 s: simplify it")]
    assert 1 <= time.monotonic() - start < 5
    assert time.process_time() - processor_seconds < 0.5


def test_each_bomb_of_a_batch_fails_alone() -> None:
    bomb = render_job(content(body=BOMBS["unclosed braces"]))
    pool = RenderProcesses(KEY, processes=1, limits=Limits(seconds=0.3))
    jobs = [render_job(content(f"{number}")) for number in range(20)]
    jobs[3] = jobs[4] = jobs[19] = bomb

    answers = pool.render(jobs)
    pool.close()

    assert [number for number, answer in enumerate(answers) if isinstance(answer, RenderFailure)] == [3, 4, 19]
    assert [answer.subject for answer in answers if isinstance(answer, RenderedMessage)] == [
        str(number) for number in range(20) if number not in {3, 4, 19}
    ]


def test_memory_of_a_child_is_limited() -> None:
    pool = RenderProcesses(KEY, processes=1, limits=Limits(seconds=20, memory_bytes=128 << 20))

    [answer] = pool.render([render_job(content(body="{{ (1..999999999) | reverse | size }}"))])
    pool.close()

    assert answer == RenderFailure("the template needs too much memory: simplify it")


def test_large_html_is_no_bomb(processes: RenderProcesses) -> None:
    deep = "<div>" * 19_000
    many = "<a href=https://shop.example/>a</a>" * 2800

    answers = processes.render([render_job(content(body=body)) for body in (deep, many, "<table>" * 14_000)])

    assert [answer for answer in answers if isinstance(answer, RenderFailure) and "memory" in answer.reason] == []
    assert isinstance(answers[1], RenderedMessage)


def test_jobs_are_answered_in_order(processes: RenderProcesses) -> None:
    jobs = [render_job(content(f"{number}")) for number in range(200)]

    answers = processes.render(jobs)

    assert [answer.subject for answer in answers if isinstance(answer, RenderedMessage)] == [str(n) for n in range(200)]


def test_no_jobs_need_no_process() -> None:
    pool = RenderProcesses(KEY)

    assert pool.render([]) == []
    assert pids(pool) == set()
    pool.close()


def test_several_threads_share_the_pool(processes: RenderProcesses) -> None:
    def render(name: str) -> set[str]:
        answers = [answer for _ in range(5) for answer in processes.render([render_job(content(name))] * 30)]
        assert len(answers) == 150
        return {answer.subject for answer in answers if isinstance(answer, RenderedMessage)}

    found = run_together(*(lambda name=name: render(name) for name in "abcdef"))

    assert found == [{name} for name in "abcdef"]
    assert len(pids(processes)) <= 2


def test_large_attachments_are_sent_in_several_batches(processes: RenderProcesses) -> None:
    file = Attachment(name="a.bin", media_type="application/octet-stream", content=os.urandom(2 << 20))

    answers = processes.render([render_job(attachments=(file,))] * 20)

    assert {len(answer.entity) > 2 << 20 for answer in answers if isinstance(answer, RenderedMessage)} == {True}
    assert len(answers) == 20


def test_child_that_died_idle_is_replaced(processes: RenderProcesses) -> None:
    processes.render([render_job()] * 2)
    for pid in pids(processes):
        os.kill(pid, signal.SIGKILL)

    answers = processes.render([render_job()] * 2)

    assert [type(answer) for answer in answers] == [RenderedMessage] * 2


def test_message_survives_a_kill_from_outside() -> None:
    pool = RenderProcesses(KEY, processes=1, limits=Limits(seconds=60))
    pool.render([render_job()])
    [pid] = pids(pool)
    slow = render_job(
        content(body="{% for i in (1..400) %}{{ many | sort | first }}{% endfor %}"), data={"many": [*range(5000)]}
    )

    def render() -> list[type]:
        return [type(answer) for answer in pool.render([slow, render_job()])]

    def kill() -> list[type]:
        time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        return []

    answers, _ = run_together(render, kill)

    assert answers == [RenderedMessage, RenderedMessage]
    assert pids(pool) != {pid}
    pool.close()


def test_key_is_in_no_argument_or_environment(processes: RenderProcesses) -> None:
    for pid in pids(processes):
        for name in ("cmdline", "environ"):
            shown = Path(f"/proc/{pid}/{name}").read_bytes()
            assert KEY.secret not in shown
            assert KEY.secret.hex().encode() not in shown


def test_child_inherits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSPACE_OPERATOR_SMTP_PASSWORD", "secret")
    read, write = os.pipe()
    os.set_inheritable(read, True)
    pool = RenderProcesses(KEY, processes=1)
    pool.render([render_job()])
    [pid] = pids(pool)

    opened = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}

    assert str(Path(f"/proc/self/fd/{read}").readlink()) not in opened
    assert not [name for name in opened if name.startswith("socket")]
    assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    pool.close()
    os.close(read)
    os.close(write)


def test_close_ends_all_processes() -> None:
    pool = RenderProcesses(KEY, processes=2)
    pool.render([render_job()] * 2)
    children = [ProcessIdentity.of(pid) for pid in pids(pool)]

    pool.close()

    assert len(children) == 2
    assert [child.is_running() for child in children] == [False, False]
    with pytest.raises(Unavailable, match="closed"):
        pool.render([render_job()])


def test_close_does_not_wait_for_a_bomb() -> None:
    pool = RenderProcesses(KEY, processes=1, limits=Limits(seconds=60))
    pool.render([render_job()])
    bomb = render_job(content(body=BOMBS["unclosed braces"]))

    def close() -> str:
        time.sleep(0.2)
        pool.close()
        return "closed"

    def render() -> str:
        with pytest.raises(Unavailable, match="closed"):
            pool.render([bomb])
        return "refused"

    start = time.monotonic()
    assert run_together(render, close) == ["refused", "closed"]
    assert time.monotonic() - start < 20


PARENT = """
import sys, time
from tests.rendering.jobs import KEY, content, render_job
from workspace_operator.rendering.processes import RenderProcesses
pool = RenderProcesses(KEY, processes=2)
pool.render([render_job()] * 2)
print(*(child.pid for child in pool._children), flush=True)
if sys.argv[1] == "busy":
    pool.render([render_job(content(body="{{" * 50_000))] * 2)
time.sleep(600)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_children_end_with_a_killed_parent(state: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'operator'}:{REPOSITORY}"}
    command = [sys.executable, "-c", PARENT, state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        children = [ProcessIdentity.of(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(children) == 2

        parent.kill()

        for child in children:
            wait_until_gone(child, 30)
    assert [child.is_running() for child in children] == [False, False]


def test_process_that_does_not_start_is_no_fault_of_the_message() -> None:
    pool = RenderProcesses(KEY, processes=1, command=(sys.executable, "-c", "pass"))

    with pytest.raises(Unavailable, match="did not start"):
        pool.render([render_job()])
    pool.close()


def test_stopped_child_is_killed() -> None:
    pool = RenderProcesses(KEY, processes=1, limits=Limits(stalled_seconds=0.5))
    pool.render([render_job()])
    [pid] = pids(pool)
    os.kill(pid, signal.SIGSTOP)

    [answer] = pool.render([render_job()])

    assert isinstance(answer, RenderedMessage)
    assert pids(pool) != {pid}
    pool.close()
