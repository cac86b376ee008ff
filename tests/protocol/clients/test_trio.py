"""The Trio client against a scripted server: login, requests, pushes, and coming back when and only when it may."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from protocol.clients import trio as client_module
from protocol.clients.trio import Client, ConnectionLost, RequestRefused, SessionEnded, Waits, open_client

QUICK = Waits(connect=5, request=5, send=5, idle=5, backoff_first=0.01, backoff_most=0.02)


@pytest.fixture(params=["json", "cbor"])
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(server: Any, **more: Any) -> Any:
    return open_client(server.url, app="demo", user="alice", **({"waits": QUICK} | more))


async def next_push(client: Client, kind: str) -> dict[str, Any]:
    """The data of the next push of that type; others are passed over."""
    with trio.fail_after(5):
        async for push in client:
            if push["type"] == kind:
                return dict(push["data"])
    raise AssertionError(f"no {kind} before the end")


async def test_it_logs_in_with_what_it_was_given_in_its_encoding(server: Any, encoding: str) -> None:
    async with opened(server, device="d", token="t", platform="ios", ext={"n": 1}, encoding=encoding) as client:
        await next_push(client, "client.online")
        assert server.asked("login") == [
            {"app_id": "demo", "client_id": "alice", "device_id": "d", "token": "t", "platform": "ios", "ext": {"n": 1}}
        ]
        assert server.peers[0].text is (encoding == "json")
        assert server.subprotocols == ["parley.v1"]


async def test_a_request_gets_the_data_of_its_own_answer(server: Any, encoding: str) -> None:
    held: list[Any] = []

    async def turn_round(peer: Any, request: Any) -> None:
        held.append(request)
        if len(held) == 2:
            for one in reversed(held):
                await peer.answer(one, echo=one["data"]["n"])

    server.handlers["turn"] = turn_round
    answers: dict[int, Any] = {}
    async with opened(server, encoding=encoding) as client:

        async def ask(number: int) -> None:
            answers[number] = await client.request("turn", n=number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, 1)
            nursery.start_soon(ask, 2)
    assert answers == {1: {"echo": 1}, 2: {"echo": 2}}


async def test_a_refusal_is_raised_bare_with_its_code_and_data(server: Any) -> None:
    server.handlers["conv.get"] = lambda peer, request: peer.refuse(request, 4011, "No such.", x=1)
    with pytest.raises(RequestRefused) as caught:
        async with opened(server) as client:
            await client.request("conv.get", conv_id="x")
    assert (caught.value.code, caught.value.text, caught.value.data) == (4011, "No such.", {"x": 1})


async def test_a_request_nobody_answers_ends_at_its_deadline(server: Any) -> None:
    with pytest.raises(trio.TooSlowError):
        async with opened(server, waits=Waits(request=0.05)) as client:
            await client.request("silence")


async def test_a_refused_login_is_raised_from_the_opening(server: Any) -> None:
    server.handlers["login"] = lambda peer, request: peer.refuse(request, 4004, "The token is out of date.")
    with pytest.raises(RequestRefused, match="out of date"):
        async with opened(server):
            raise AssertionError("logged in")
    assert len(server.asked("login")) == 1


async def test_a_login_too_large_for_the_server_is_a_refusal_at_once(server: Any) -> None:
    server.handlers["login"] = lambda peer, request: peer.close(1009, "over 4096 bytes")
    with pytest.raises(RequestRefused, match=r"This login has \d+ bytes, more than the server takes \(over 4096 bytes\)"):
        async with opened(server, ext={"n": 1}):
            raise AssertionError("logged in")
    assert len(server.asked("login")) == 1


async def test_a_login_that_cannot_be_written_is_raised_bare(server: Any, encoding: str) -> None:
    with pytest.raises(ValueError, match=f"a login cannot be written as {encoding.upper()}"):
        async with opened(server, ext={"n": object()}, encoding=encoding):
            raise AssertionError("logged in")


async def test_a_login_refused_for_the_moment_is_tried_again(server: Any) -> None:
    accept = server.handlers["login"]

    async def later(peer: Any, request: Any) -> None:
        server.handlers["login"] = accept
        await peer.refuse(request, 4010, "Too often.", retry_after_ms=20)

    server.handlers["login"] = later
    async with opened(server):
        assert len(server.asked("login")) == 2


async def test_a_server_that_cannot_be_reached_is_a_sentence_at_once() -> None:
    with pytest.raises(ConnectionLost, match=r"^Could not log in at ws://127.0.0.1:1: Connection refused\.$"):
        async with open_client("ws://127.0.0.1:1", app="a", user="b", waits=Waits(connect=60)):
            raise AssertionError("connected")


async def test_a_web_server_that_is_no_broker_is_a_sentence(server: Any) -> None:
    with pytest.raises(ConnectionLost, match="it answered HTTP 403 instead of opening a WebSocket"):
        async with open_client(server.url + "/closed", app="a", user="b"):
            raise AssertionError("connected")


async def test_a_login_that_is_never_answered_ends_at_the_deadline(server: Any) -> None:
    del server.handlers["login"]
    with pytest.raises(ConnectionLost, match="in time"):
        async with opened(server, waits=Waits(connect=0.1)):
            raise AssertionError("logged in")


async def test_a_send_carries_one_client_msg_id_through_lost_connections_and_refusals(server: Any) -> None:
    async def sometimes(peer: Any, request: Any) -> None:
        match len(server.asked("msg.send")):
            case 1:
                await peer.close(4500, "slow")
            case 2:
                await peer.refuse(request, 4029, "Too fast.", retry_after_ms=10)
            case _:
                await peer.answer(request, msg_id="m", conv_id="c", seq=1, time=2)

    server.handlers["msg.send"] = sometimes
    async with opened(server) as client:
        assert await client.send(to="bob", text="hi") == {"msg_id": "m", "conv_id": "c", "seq": 1, "time": 2}
    sends = server.asked("msg.send")
    assert len(sends) == 3
    assert sends[0] == sends[1] == sends[2]
    assert (sends[0]["to"], sends[0]["text"], sends[0]["type"], len(sends[0]["client_msg_id"])) == ("bob", "hi", -1, 32)


async def test_a_send_refused_for_good_is_raised_at_once(server: Any) -> None:
    server.handlers["msg.send"] = lambda peer, request: peer.refuse(request, 4012, "Muted.")
    async with opened(server) as client:
        with pytest.raises(RequestRefused, match="Muted"):
            await client.send(conv_id="c", text="hi")
    assert len(server.asked("msg.send")) == 1


async def test_a_request_under_way_when_the_connection_goes_is_lost_not_repeated(server: Any) -> None:
    server.handlers["conv.delete"] = lambda peer, request: peer.close(4500, "slow")
    async with opened(server) as client:
        with pytest.raises(ConnectionLost):
            await client.request("conv.delete", conv_id="c")
    assert len(server.asked("conv.delete")) == 1


async def test_a_send_too_large_is_refused_at_once_and_the_others_go_on(server: Any) -> None:
    async def on_the_second_connection(peer: Any, request: Any) -> None:
        if len(server.peers) == 2:
            await peer.answer(request, text=request["data"]["text"])

    server.handlers["msg.send"] = on_the_second_connection
    async with opened(server, waits=Waits(backoff_first=0.01)) as client, trio.open_nursery() as nursery:

        async def send_small() -> None:
            assert await client.send(to="bob", text="small") == {"text": "small"}

        nursery.start_soon(send_small)
        await server.wait_asked("msg.send")
        with trio.fail_after(5), pytest.raises(RequestRefused, match=r"This msg\.send has 1500\d+ bytes") as caught:
            await client.send(to="bob", text="x" * 1_500_000)
        assert caught.value.code == 4030
        await send_small()
    assert [send["text"] for send in server.asked("msg.send")] == ["small", "small", "small"]
    assert len(server.peers) == 2


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1011])
async def test_a_send_that_again_and_again_ends_the_connection_is_given_up(server: Any, code: int) -> None:
    server.handlers["msg.send"] = lambda peer, request: peer.close(code, "cannot go on")
    async with opened(server, waits=Waits(backoff_first=0.01)) as client:
        with trio.fail_after(5), pytest.raises(ConnectionLost, match="cannot go on"):
            await client.send(to="bob", text="poison")
        assert await client.request("ping") == {"time": 1}
    assert len(server.asked("msg.send")) == 3


@pytest.mark.parametrize("code", [1000, 4002, 4003])
async def test_a_request_that_ends_the_session_says_so(server: Any, code: int) -> None:
    for kind in ("msg.send", "conv.get"):
        server.handlers[kind] = lambda peer, request: peer.close(code, "banned")
    async with opened(server) as client:
        with pytest.raises(SessionEnded, match="banned") as caught:
            await client.request("conv.get")
        assert caught.value.code == code
    async with opened(server, waits=Waits(backoff_first=60, backoff_most=60)) as client:
        with trio.fail_after(5), pytest.raises(SessionEnded, match="banned"):
            await client.send(to="bob", text="hi")
    assert len(server.peers) == 2


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4505, 1011, 1006])
async def test_it_comes_back_with_its_session_token_and_syncs_from_its_cursor(server: Any, code: int) -> None:
    async with opened(server) as client:
        await next_push(client, "sync")
        if code == 1006:
            await server.peers[0].socket._stream.aclose()
        else:
            await server.peers[0].close(code, "x")
        assert "retry_in" in await next_push(client, "client.offline")
        await next_push(client, "client.online")
        assert (await next_push(client, "sync"))["cursor"] == "c-2"
    assert [login.get("session_token") for login in server.asked("login")] == [None, "st-1"]
    assert [sync.get("cursor") for sync in server.asked("sync")] == [None, "c-1"]


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4010, 4499, 1000])
async def test_a_final_close_ends_it_after_the_last_push(server: Any, code: int) -> None:
    async with opened(server, sync=False) as client:
        await server.peers[0].say({"type": "logout.kick", "msg": "error", "data": {"time": 1, "reason": "replaced"}})
        await server.peers[0].close(code, "replaced")
        with trio.fail_after(5):
            kinds = [push["type"] async for push in client]
        assert kinds == ["client.online", "logout.kick"]
        assert client.ended is not None
        assert (client.ended.code, client.ended.reason) == (code, "replaced")
        with pytest.raises(SessionEnded, match="replaced"):
            await client.request("sync")
        assert await client.tell("msg.ack") is False
    assert len(server.peers) == 1


async def test_it_waits_as_long_as_a_server_going_away_asks(server: Any) -> None:
    async with opened(server, sync=False) as client:
        await server.peers[0].say({"type": "going.away", "data": {"retry_after_ms": 300}})
        await server.peers[0].close(4501, "going_away")
        assert (await next_push(client, "client.offline"))["retry_in"] == 0.3
        began = trio.current_time()
        await next_push(client, "client.online")
        assert trio.current_time() - began >= 0.25


@pytest.mark.parametrize("too_large", [False, True])
async def test_a_session_token_that_ran_out_or_is_one_too_many_is_left_away(server: Any, too_large: bool) -> None:
    accept = server.handlers["login"]

    async def refuse_old(peer: Any, request: Any) -> None:
        if "session_token" in request["data"]:
            if too_large:
                await peer.close(1009, "too large")
            await peer.refuse(request, 4004, "Old.")
            await peer.close(4010, "bad_login")
        else:
            await accept(peer, request)

    async with opened(server, sync=False, token="t") as client:
        server.handlers["login"] = refuse_old
        await next_push(client, "client.online")
        await server.peers[0].close(4500, "slow")
        await next_push(client, "client.online")
    assert ["session_token" in login for login in server.asked("login")] == [False, True, False]


async def test_sync_goes_on_while_there_is_more(server: Any) -> None:
    async def pages(peer: Any, request: Any) -> None:
        number = len(server.asked("sync"))
        await peer.answer(request, cursor=f"p{number}", more=number < 3, conversations=[], left=[], patches=[])

    server.handlers["sync"] = pages
    async with opened(server) as client:
        assert [(await next_push(client, "sync"))["cursor"] for _ in range(3)] == ["p1", "p2", "p3"]
    assert [sync.get("cursor") for sync in server.asked("sync")] == [None, "p1", "p2"]


async def test_a_ping_of_the_server_is_answered_and_not_shown(server: Any) -> None:
    seen = trio.Event()

    async def pinged(peer: Any, request: Any) -> None:
        await peer.answer(request, time=1)
        await peer.say({"type": "msg.new", "data": {}})
        seen.set()

    server.handlers["ping"] = pinged
    async with opened(server, sync=False) as client:
        await server.peers[0].say({"type": "ping"})
        with trio.fail_after(5):
            await seen.wait()
        kinds = []
        async for push in client:
            kinds.append(push["type"])
            if push["type"] == "msg.new":
                break
    assert kinds == ["client.online", "msg.new"]


async def test_a_silent_server_is_asked_for_a_sign_of_life(server: Any) -> None:
    async with opened(server, sync=False, waits=Waits(idle=0.05)):
        await server.wait_asked("ping", 3)
        assert len(server.peers) == 1


async def test_a_dead_server_is_left_for_a_new_connection(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PROBE_SECONDS", 0.05)
    del server.handlers["ping"]
    async with opened(server, sync=False, waits=Waits(idle=0.05, backoff_first=0.01)) as client:
        await next_push(client, "client.online")
        await next_push(client, "client.online")
    assert len(server.peers) >= 2


async def test_what_nobody_reads_is_dropped_oldest_first_and_counted(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PUSHES_MOST", 3)
    async with opened(server, sync=False) as client:
        for number in range(5):
            await server.peers[0].say({"type": "msg.new", "data": {"seq": number}})
        await client.request("ping")
        pushes = client.__aiter__()
        assert await pushes.__anext__() == {"type": "client.dropped", "data": {"count": 3}}  # client.online, 0 and 1
        assert [(await pushes.__anext__())["data"]["seq"] for _ in range(3)] == [2, 3, 4]


async def test_a_server_of_another_kind_is_a_refusal_in_words(server: Any) -> None:
    async def babble(peer: Any, request: Any) -> None:
        await peer.socket.send_message("220 smtp ready")

    server.handlers["login"] = babble
    with pytest.raises(RequestRefused, match=r"does not speak parley\.v1"):
        async with opened(server):
            raise AssertionError("logged in")


async def test_an_error_in_the_body_comes_out_as_itself(server: Any) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with opened(server):
            raise KeyError("mine")


async def test_leaving_closes_the_connection(server: Any) -> None:
    async with opened(server):
        pass
    with trio.fail_after(5):
        await server.peers[0].gone.wait()
    assert server.peers[0].socket.closed.code == 1000


def test_back_off_is_anywhere_below_a_doubling_ceiling() -> None:
    waits = Waits(backoff_first=1, backoff_most=8)
    for attempt, ceiling in ((0, 1), (1, 2), (3, 8), (60, 8)):
        drawn = [waits.before(attempt) for _ in range(200)]
        assert 0 <= min(drawn) < ceiling / 4
        assert ceiling * 3 / 4 < max(drawn) <= ceiling


async def test_typing_is_said_now_and_then_and_heard_as_such(server: Any) -> None:
    async def echo(peer: Any, request: Any) -> None:
        said = request["data"]
        attr = '{"typing":true}' if said["attr"]["typing"] else '{"typing":false}'
        data = {"from_client": "bob", "conv_id": "c", "type": said["type"], "attr": attr, "transient": "1", "seq": 0}
        await peer.say({"type": "msg.new", "data": data})

    server.handlers["msg.send"] = echo
    async with opened(server) as client:
        await next_push(client, "client.online")
        assert await client.typing(to="bob") is True
        assert await client.typing(to="bob") is False
        assert await next_push(client, "client.typing") == {"conv_id": "c", "client_id": "bob", "typing": True}
        assert await client.typing(conv_id="c", typing=False) is True
        assert (await next_push(client, "client.typing"))["typing"] is False
    first, last = server.asked("msg.send")
    assert first == {"to": "bob", "type": 1, "transient": True, "no_sync": 0, "attr": {"typing": True}}
    assert last["conv_id"] == "c"
