"""Thin brokers: what an application would write in an afternoon on a WebSocket library, to see what the library costs.

Each logs users in by a shared token, ends the session a second login of the same user replaces, and passes a message to all
who hear a place. They keep nothing, check little and bound nothing. All speak the same JSON, one object a text frame
(`bench.wires.thin` is the other side); socket.io's carries it in its own events:

    {"login": user, "token": ..., "hear": place}      ->  {"welcome": user}, or the connection is closed
    {"to": place, "id": ..., "text": ...}             ->  {"ack": id}, and to who hears it {"from", "to", "text"}
    a login of the same user elsewhere                ->  {"kicked": user}, then the connection is closed

Each prints one line, "listening PORT NAME VERSION", the version as the library it has loaded says it. `desk` is what those
in Python share; `fetch` gets the packages those on Node need.
"""
