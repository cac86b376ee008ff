"""What becomes of requests when their connection ends: who is refused, who may ask again, who must log in anew."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import trio

from protocol.clients.outcomes import OBJECTIONS, ConnectionLost, RequestRefused, SessionEnded
from protocol.clients.pending import Pending, Request


async def outcome(request: Request) -> object:
    with trio.fail_after(1):
        try:
            return await request.wait()
        except (RequestRefused, ConnectionLost, SessionEnded) as failure:
            return type(failure)


async def outcomes_of_sizes(pending: Pending, code: int, *sizes: int) -> list[object]:
    with ExitStack() as stack:
        requests = [stack.enter_context(pending.expect(number, "t", size)) for number, size in enumerate(sizes)]
        pending.lose(code, "word")
        return [await outcome(request) for request in requests]


async def test_an_answer_goes_to_its_number_and_to_nobody_else() -> None:
    pending = Pending()
    with pending.expect(1, "a", 5) as one, pending.expect(2, "b", 5) as two:
        for strange in (3, None, "2", [2]):
            pending.settle(strange, {"data": {"n": 0}})
        pending.settle(2, {"data": {"n": 2}})
        pending.settle(1, {"code": 4011, "msg": "No such."})
        assert await outcome(one) is RequestRefused
        assert await outcome(two) == {"n": 2}


@pytest.mark.parametrize("code", [1000, 4000, 4001, 4010, 4499])
async def test_a_final_close_ends_the_session_for_all(code: int) -> None:
    assert await outcomes_of_sizes(Pending(), code, 1, 2) == [SessionEnded, SessionEnded]


@pytest.mark.parametrize("code", [1001, 1006, 1012, 4500, 4504, *OBJECTIONS])
async def test_any_other_close_leaves_open_what_was_done(code: int) -> None:
    assert await outcomes_of_sizes(Pending(), code, 1, 2) == [ConnectionLost, ConnectionLost]


async def test_a_loss_names_the_request_the_code_and_the_word() -> None:
    pending = Pending()
    with pending.expect(1, "conv.get", 5) as request:
        pending.lose(4500, "slow")
        with pytest.raises(ConnectionLost, match=r"during conv\.get: slow \(close code 4500\)") as caught:
            await request.wait()
    assert caught.value.code == 4500


async def test_of_a_frame_too_big_the_largest_is_refused_and_the_others_may_ask_again() -> None:
    assert await outcomes_of_sizes(Pending(), 1009, 5, 9, 9, 8) == [
        ConnectionLost,
        RequestRefused,
        RequestRefused,
        ConnectionLost,
    ]


async def test_a_frame_nobody_waits_for_is_the_suspect_unless_a_larger_one_waits() -> None:
    pending = Pending()
    pending.ignore(7)
    assert await outcomes_of_sizes(pending, 1009, 5, 7) == [ConnectionLost, ConnectionLost]
    assert await outcomes_of_sizes(pending, 1009, 5, 7) == [ConnectionLost, RequestRefused]  # on another connection
    with pending.expect(1, "given up", 8):
        pass
    assert await outcomes_of_sizes(pending, 1009, 8) == [ConnectionLost]
    with pending.expect(1, "answered", 8):
        pending.settle(1, {"data": {}})
    assert await outcomes_of_sizes(pending, 1009, 8) == [RequestRefused]
