"""Order: answers in the order of the requests, pushes in the order of `seq`, however much is pipelined."""

from __future__ import annotations

from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

MESSAGES = 300


async def test_pipelined_messages_keep_their_order_for_everybody(host: Host) -> None:
    host.broker()
    async with framed_peer(host.tcp_port) as tom, json_peer(host.url) as ann, framed_peer(host.tcp_port) as bob:
        for peer, user in ((tom, "tom"), (ann, "ann"), (bob, "bob")):
            await peer.login(user)
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=["ann", "bob"]))["conv_id"]
        seqs: list[int] = []
        for start in range(0, MESSAGES, 60):
            for number in range(start, start + 60):
                data = {"conv_id": conversation, "type": -1, "text": str(number)}
                await tom.put({"type": "msg.send", "id": 1000 + number, "data": data})
                if number % 7 == 0:
                    await ann.put({"type": "msg.send", "id": number, "data": data | {"text": "between"}})
            for number in range(start, start + 60):
                frame = await tom.take()
                while frame["type"] == "msg.new":
                    assert frame["data"]["text"] == "between"
                    frame = await tom.take()
                assert (frame["id"], frame["type"]) == (1000 + number, "msg.send.success")
                seqs.append(frame["data"]["seq"])
        assert seqs == sorted(seqs)
        heard: list[int] = []
        texts: list[str] = []
        while len(texts) < MESSAGES:
            data = await bob.push("msg.new")
            heard.append(data["seq"])
            if data["text"] != "between":
                texts.append(data["text"])
        assert heard == sorted(heard)
        assert texts == [str(number) for number in range(MESSAGES)]


async def test_a_refusal_takes_its_turn_among_the_answers(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        good = {"conv_id": conversation, "type": -1, "text": "x"}
        for number in range(30):
            await tom.put({"type": "msg.send", "id": number, "data": good if number % 3 else {"conv_id": "nonsense"}})
        frames = [await tom.take() for _ in range(30)]
        assert [frame["id"] for frame in frames] == list(range(30))
        assert [frame["type"] for frame in frames[:3]] == ["msg.send.error", "msg.send.success", "msg.send.success"]
