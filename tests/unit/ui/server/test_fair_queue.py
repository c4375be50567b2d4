"""Shares of the queue."""

import asyncio
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.state_holder import StateHolder
from starlette.requests import Request

from ui.server.bodies import BODY
from ui.server.fair_queue import ANSWER_TTL_S, MAX_HELD_MB, FairQueue
from ui.server.gradio_compat import replace_queue, sessions_with_state
from ui.server.sessions import SessionOwners


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    with gr.Blocks() as demo:
        text = gr.Textbox()
        text.submit(lambda given: given, text, text)
    return demo


@pytest.fixture
def queue(demo) -> FairQueue:
    replace_queue(demo, FairQueue, max_size=16, default_concurrency_limit=4)
    demo._queue.now = 0.0
    demo._queue.clock = lambda: demo._queue.now
    demo._queue.active_jobs = [None] * 8
    return demo._queue


def push(queue: FairQueue, host: str, session: str = "", body_bytes: int = 0) -> tuple[bool, str, str]:
    scope = {"type": "http", "client": (host, 1), "headers": [], BODY: SimpleNamespace(received_bytes=body_bytes)}
    body = PredictBodyInternal(session_hash=session or host, fn_index=0, data=[""])
    return asyncio.run(queue.push(body, Request(scope), None))


def finish(queue: FairQueue, event_id: str) -> None:
    """End an event, as Gradio does; its answer waits."""
    event = queue.event_ids_to_events.pop(event_id)
    for one in queue.event_queue_per_concurrency_id.values():
        one.queue = [waiting for waiting in one.queue if waiting is not event]


def run(queue: FairQueue) -> list[str]:
    """Start what may run now; return whose sessions."""
    started = []
    while found := queue.get_events():
        (event,), _, name = found
        queue.active_jobs[queue.active_jobs.index(None)] = [event]
        queue.event_queue_per_concurrency_id[name].current_concurrency += 1
        started.append(event.session_hash)
    return started


def fetch(queue: FairQueue, session: str, event_id: str) -> None:
    queue.pending_event_ids_session[session].discard(event_id)


def test_queue_visitor_has_half_and_others_always_some(queue):
    states = [push(queue, "192.0.2.1", f"session {number}")[2] for number in range(20)]
    assert states == ["success"] * 8 + ["queue_full"] * 12
    assert push(queue, "192.0.2.2")[0] and push(queue, "192.0.2.3")[0]


def test_queue_large_bodies_have_a_share_too(queue):
    accepted = [push(queue, "192.0.2.1", body_bytes=12_000_000)[0] for _ in range(8)]
    assert accepted.count(True) == MAX_HELD_MB // 2 // 12 and push(queue, "192.0.2.2")[0]


def test_queue_event_counts_until_its_answer_is_fetched(queue):
    ids = [push(queue, "192.0.2.1", f"session {number}")[1] for number in range(8)]
    for event_id in ids:
        finish(queue, event_id)
    assert not push(queue, "192.0.2.1")[0]
    fetch(queue, "session 3", ids[3])
    assert push(queue, "192.0.2.1")[0] and not push(queue, "192.0.2.1")[0]
    assert "session 3" not in queue.pending_messages_per_session


def test_queue_answer_that_nobody_fetches_is_dropped(queue):
    _, event_id, _ = push(queue, "192.0.2.1", "left")
    _, waiting_id, _ = push(queue, "192.0.2.1", "waits")
    finish(queue, event_id)
    push(queue, "192.0.2.2")
    queue.now = ANSWER_TTL_S + 1
    push(queue, "192.0.2.2")
    for kept in (queue.pending_messages_per_session, queue.pending_event_ids_session):
        assert "left" not in kept and "waits" in kept
    assert waiting_id in queue.event_ids_to_events


def test_queue_long_session_names_are_refused(queue):
    assert push(queue, "192.0.2.1", "a" * 65)[0] is False
    assert not queue.pending_messages_per_session and not queue.pending_event_ids_session


def test_queue_refused_event_takes_no_place(queue):
    scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": []}
    for _ in range(20):
        body = PredictBodyInternal(session_hash="a", fn_index=99, data=[])
        with pytest.raises(Exception, match="."):
            asyncio.run(queue.push(body, Request(scope), None))
    assert push(queue, "192.0.2.1")[0]


def test_queue_next_is_who_has_the_fewest_running(queue):
    for number in range(5):
        push(queue, "192.0.2.1", f"session {number}")
    push(queue, "192.0.2.2", "other")
    assert run(queue) == ["session 0", "other"]


def test_queue_visitor_alone_runs_half_of_what_runs_at_once(queue):
    for number in range(6):
        push(queue, "192.0.2.1", f"session {number}")
    assert run(queue) == ["session 0", "session 1"]
    for number in range(3, 6):
        push(queue, f"192.0.2.{number}")
    assert run(queue) == ["192.0.2.3", "192.0.2.4"]


def use_page(queue: FairQueue, host: str, session: str) -> None:
    """Run an event of a session until its answer was fetched."""
    _, event_id, _ = push(queue, host, session)
    assert run(queue) == [session]
    queue.active_jobs = [None] * 8
    for one in queue.event_queue_per_concurrency_id.values():
        one.current_concurrency = 0
    finish(queue, event_id)
    fetch(queue, session, event_id)


def test_queue_sessions_of_a_greedy_visitor_do_not_drop_those_of_others(queue):
    queue._owners = SessionOwners(capacity=4)
    StateHolder().set_blocks(queue.blocks)
    use_page(queue, "192.0.2.1", "honest")
    for number in range(20):
        use_page(queue, "192.0.2.2", f"greedy {number}")
    assert sessions_with_state(queue.blocks) == ["honest", "greedy 17", "greedy 18", "greedy 19"]


def test_queue_events_that_wait_do_not_make_more_states(queue):
    queue._owners = SessionOwners(capacity=4)
    StateHolder().set_blocks(queue.blocks)
    use_page(queue, "192.0.2.1", "honest")
    for number in range(8):
        push(queue, "192.0.2.2", f"greedy {number}")
    assert len(sessions_with_state(queue.blocks)) == 4 and "honest" in sessions_with_state(queue.blocks)


def test_queue_state_of_a_call_without_session_ends_with_its_answer(queue):
    StateHolder().set_blocks(queue.blocks)
    scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": []}
    body = PredictBodyInternal(fn_index=0, data=[""])
    _, event_id, _ = asyncio.run(queue.push(body, Request(scope), None))
    queue.blocks.state_holder[event_id]  # as when it runs
    finish(queue, event_id)
    fetch(queue, event_id, event_id)
    use_page(queue, "192.0.2.1", "page")
    assert sessions_with_state(queue.blocks) == ["page"]
