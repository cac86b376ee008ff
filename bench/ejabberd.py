"""ejabberd as the bench sets it up: one scheduler, users proved by a token signed with our secret.

The law: an acknowledgement says "taken". Rooms tell nobody who comes and goes, keep no history and hold as many as want in,
so that a message to a room is that message and nothing else. What is kept for who is away is in Mnesia's own files, which
are not flushed before anything is answered; only a registered user is away rather than unknown, so users of that kind are
registered first, over the management API, whose caller is `office`.
"""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Iterable
from pathlib import Path

import orjson

from bench.servers import SECRET, TOKEN, XMPP_HOST, Server, found, free_port
from protocol.tokens import make_jwt

OFFICE, EXPIRES = "office", 4_102_444_800
PROOF = base64.b64encode(
    f"{OFFICE}@{XMPP_HOST}:{make_jwt(SECRET, {'jid': f'{OFFICE}@{XMPP_HOST}', 'exp': EXPIRES})}".encode()
).decode()
HEADERS = {"Authorization": f"Basic {PROOF}", "Content-Type": "application/json"}
HOLDS = 1_000_000
"""Messages kept for a user, occupants of a room."""


class Ejabberd(Server):
    listening = re.compile(rb"Start accepting TCP connections at 127\.0\.0\.1:(\d+) for ejabberd_c2s")
    claims = re.compile(rb"ejabberd ([\d.]+)\S* is started")

    def __init__(self, folder: Path) -> None:
        erl, homes = found("erl"), sorted(Path("/usr/lib").glob("*/ejabberd-*[0-9]"))
        assert erl is not None, "erl is not installed"
        assert homes, "ejabberd's library is not where Debian puts it"
        key = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
        (folder / "jwk").write_text(f'{{"kty": "oct", "k": "{key}"}}')
        config = folder / "ejabberd.yml"
        self.admin_port = free_port()
        config.write_text(
            f"hosts: [{XMPP_HOST}]\nloglevel: info\nauth_method: [jwt, internal]\njwt_key: {folder}/jwk\n"
            "disable_sasl_mechanisms: [digest-md5, scram-sha-1, scram-sha-256, scram-sha-512]\n"
            f"acl: {{office: {{user: {OFFICE}@{XMPP_HOST}}}}}\n"
            f"shaper_rules: {{max_user_offline_messages: {HOLDS}}}\n"
            "api_permissions: {calls: {from: [mod_http_api], who: [{access: {allow: {acl: office}}}], what: ['*']}}\n"
            "listen:\n"
            f"  - {{port: {free_port()}, ip: 127.0.0.1, module: ejabberd_c2s, backlog: 4096}}\n"
            f"  - {{port: {self.admin_port}, ip: 127.0.0.1, module: ejabberd_http, "
            "request_handlers: {/api: mod_http_api}}\n"
            "modules:\n  mod_offline: {}\n  mod_admin_extra: {}\n"
            "  mod_stream_mgmt: {ack_timeout: infinity, max_ack_queue: infinity}\n"
            f"  mod_muc: {{max_users: {HOLDS}, history_size: 0, default_room_options: {{presence_broadcast: [], "
            f"max_users: {HOLDS}, anonymous: false, allow_subscription: false}}}}\n"
        )
        paths = {"HOME": folder, "EJABBERD_CONFIG_PATH": config, "EJABBERD_LOG_PATH": folder / "ejabberd.log"}
        command = ["env", *(f"{name}={value}" for name, value in paths.items()), f"ERL_LIBS={homes[0].parent}", erl]
        # One scheduler, as it has one core; it has said its version and port before it logs warnings only.
        command += ["+S", "1:1", "+P", "1000000", "-noinput", "-mnesia", "dir", f'"{folder}/db"', "-s", "ejabberd"]
        command += ["-eval", "timer:apply_after(1000, ejabberd_logger, set, [warning])"]
        super().__init__(f"ejabberd {homes[0].name.split('-')[1]}", command, folder)

    def register(self, users: Iterable[str]) -> None:
        """So that they are known while they are away."""
        calls = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        for user in users:
            body = orjson.dumps({"user": user, "host": XMPP_HOST, "password": TOKEN})
            calls.request("POST", "/api/register", body, HEADERS)
            answer = calls.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise self.failed(f"does not register {user}: {said.decode(errors='replace')}")
        calls.close()
