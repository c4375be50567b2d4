"""Fair shares."""

import asyncio

from ui.server.shares import Shares, VisitorSemaphores


def taken(places: Shares, visitor: str, **options) -> int:
    count = 0
    while places.take(visitor, **options):
        count += 1
    return count


def test_shares_one_visitor_gets_half_and_others_always_some():
    places = Shares(256)
    assert [taken(places, f"greedy {number}") for number in range(6)] == [128, 64, 32, 16, 8, 4]
    assert places.take("honest")


def test_shares_released_places_are_free_again():
    places = Shares(10)
    for _ in range(100):
        assert places.take("a", 4)
        places.release("a", 4)
    assert taken(places, "b") == 5
    assert places.take("a", 2) and not places.take("a", 3)


def test_shares_not_limited_visitor_gets_everything():
    assert taken(Shares(10), "proxy", limited=False) == 10


def test_visitor_semaphores_a_visitor_waits_for_their_own_only():
    async def run() -> list[str]:
        turns, order, gate = VisitorSemaphores(2), [], asyncio.Event()

        async def act(visitor: str) -> None:
            async with turns.of(visitor):
                order.append(visitor)
                await gate.wait()

        acts = [asyncio.create_task(act(visitor)) for visitor in ["greedy"] * 5 + ["honest"]]
        await asyncio.sleep(0)
        started = list(order)
        gate.set()
        await asyncio.gather(*acts)
        assert len(order) == 6 and not turns._of
        return started

    assert asyncio.run(run()) == ["greedy", "greedy", "honest"]
