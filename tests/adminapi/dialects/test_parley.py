"""Our own API: who may see what, health and readiness, metrics, and the calls on users and conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import argon2
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from adminapi import passwords
from adminapi.dialect import Ask, Headers
from adminapi.dialects.parley import Parley
from adminapi.metrics import Metrics
from adminapi.passwords import Passwords
from protocol.commands import (
    BanUser,
    Block,
    Command,
    DeleteMessage,
    DeleteUser,
    DismissJoinRequest,
    Done,
    GetUser,
    InspectSessions,
    JoinRequestList,
    Kick,
    ListJoinRequests,
    Managed,
    Mute,
    Patched,
    PutUser,
    RecallMessage,
    SendSystem,
    SessionsSeen,
    SetRole,
    Stats,
    StatsReport,
    Target,
    Unblock,
    Unmute,
    UserFound,
    Watermark,
    WatermarkReport,
    sample,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import JoinRequestInfo, UserInfo
from tests.adminapi.conftest import APP, OPERATOR, Served, desk

OWN = {"authorization": f"Bearer {APP.master_key}"}
ALL = {"authorization": f"Bearer {OPERATOR}"}
BASE = f"/-/api/apps/{APP.id}"
CONV, MSG = 1 << 40, 1 << 41
CONV_ID, MSG_ID = IdForms(APP.id).hex32(CONV), IdForms(APP.id).hex32(MSG)
USER = UserInfo(user="tom", attributes=b'{"a":1}', online=True, created_ms=5)


async def test_health_and_ready_are_open_and_tell_the_brokers_state(served: Served) -> None:
    assert (await served.client.get("/-/health")).json() == {"alive": True}
    assert (await served.client.get("/-/ready")).json() == {"ready": True}
    served.broker.stop()
    answer = await served.client.get("/-/ready")
    while answer.status_code == 200:
        answer = await served.client.get("/-/ready")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert "control.sock" not in answer.text
    assert (await served.client.get("/-/health")).status_code == 200
    answer = await served.client.get(BASE, headers=OWN)
    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "overloaded"
    assert answer.headers["retry-after"] == "1"


async def test_ready_warns_of_a_store_that_is_away_and_asks_the_broker_once_a_second(served: Served) -> None:
    served.broker.on(Stats, StatsReport(counters={"store_available": 1.0, "postgresql_available": 0.0}))
    for _ in range(5):
        answer = await served.client.get("/-/ready")
        assert answer.status_code == 200
        [warning] = answer.json()["warnings"]
        assert "PostgreSQL" in warning
    assert len([call for call in served.broker.heard if isinstance(call, Stats)]) == 1


async def test_ready_says_whatever_is_wrong_and_that_the_broker_is_on_its_way_out(served: Served) -> None:
    counters = dict.fromkeys(("storage_available", "store_available", "postgresql_available"), 0.0)
    served.broker.on(Stats, StatsReport(counters=counters))
    answer = (await served.client.get("/-/ready")).json()
    assert len(answer["warnings"]) == 3
    assert "Nothing that has to be kept is taken" in answer["warnings"][0]
    served.broker.on(Stats, Refused(Reason.GOING_AWAY))
    with trio.fail_after(5):
        while (answer := await served.client.get("/-/ready")).status_code == 200:
            pass
    assert answer.json() == {"ready": False, "reason": "The broker is about to restart."}
    served.broker.on(Stats, StatsReport(counters={}))
    with trio.fail_after(5):
        while (answer := await served.client.get("/-/ready")).status_code == 503:
            pass
    assert answer.json() == {"ready": True}


async def test_metrics_are_ours_and_the_brokers(served: Served) -> None:
    counters = {'sessions{app="666666"}': 2.0, 'sessions{app="bare"}': 1.0, "commits_total": 7.0, "bad name": 1.0}
    served.broker.on(Stats, StatsReport(counters=counters))
    await served.client.get("/nowhere")
    answer = await served.client.get("/-/metrics", headers=ALL)
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'parley_sessions{app="666666"} 2.0' in answer.text
    assert "# TYPE parley_commits_total counter\nparley_commits_total 7.0\n" in answer.text
    assert 'parley_admin_answers_total{dialect="none",status="404"} 1.0' in answer.text
    assert "bad name" not in answer.text
    answer = await served.client.get("/-/metrics", headers=OWN)
    assert 'parley_sessions{app="666666"} 2.0' in answer.text
    assert "bare" not in answer.text
    assert "commits_total" not in answer.text
    assert "parley_broker_up 1.0" in answer.text
    assert "admin_answers" not in answer.text  # other apps' calls are among those
    assert (await served.client.get("/-/metrics")).status_code == 401


async def test_a_histogram_is_one_family_and_an_apps_id_is_quoted(served: Served) -> None:
    buckets = {'turn_seconds_bucket{le="0.1"}': 1.0, 'turn_seconds_bucket{le="+Inf"}': 2.0, "turn_seconds_sum": 1.5}
    counters = {**buckets, "turn_seconds_count": 2.0, "queue_count": 3.0, sample("sessions", app='a"b\\c'): 1.0}
    served.broker.on(Stats, StatsReport(counters=counters))
    text = (await served.client.get("/-/metrics", headers=ALL)).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["parley_turn_seconds"].type == "histogram"
    assert len(families["parley_turn_seconds"].samples) == 4
    assert families["parley_queue_count"].type == "gauge"
    assert families["parley_sessions"].samples[0].labels == {"app": 'a"b\\c'}


async def test_metrics_are_readable_while_the_broker_is_away_or_does_not_answer(served: Served) -> None:
    async def never(command: Command, managed: Managed | None) -> Refused:
        return Refused(Reason.OVERLOADED)

    served.broker.on(Stats, StatsReport(counters={"commits_total": 1.0}))
    text = (await served.client.get("/-/metrics", headers=ALL)).text
    assert "parley_broker_up 1.0" in text
    served.broker.on(Stats, never)
    text = (await served.client.get("/-/metrics", headers=ALL)).text
    assert "parley_broker_up 0.0" in text
    served.broker.stop()
    while (await served.client.get("/-/ready")).status_code == 200:
        pass
    answer = await served.client.get("/-/metrics", headers=ALL)
    assert answer.status_code == 200
    assert "parley_broker_up 0.0" in answer.text
    assert 'parley_admin_answers_total{dialect="parley",status="503"}' in answer.text
    assert "commits_total" not in answer.text
    for headers in (OWN, {"authorization": "Bearer wrong"}, {}):
        answer = await served.client.get("/-/metrics", headers=headers)
        assert answer.status_code == 503
        assert "parley_" not in answer.text


async def test_the_watermark_is_the_operators(served: Served) -> None:
    targets = [Target("sqlite", 7, 0), Target("postgresql", 5, 900)]
    served.broker.on(Watermark, WatermarkReport(accepted=9, durable=8, targets=targets))
    answer = await served.client.get("/-/api/watermark", headers=ALL)
    assert answer.json() == {
        "accepted": 9,
        "durable": 8,
        "targets": [
            {"target": "sqlite", "applied": 7, "oldest_unapplied_ms": 0},
            {"target": "postgresql", "applied": 5, "oldest_unapplied_ms": 900},
        ],
        "oldest_unapplied_ms": 900,
    }
    assert (await served.client.get("/-/api/watermark", headers=OWN)).status_code == 403
    assert (await served.client.get("/-/api/watermark")).status_code == 401


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/-/api/apps", {}, 401),
        ("/-/api/apps", {"authorization": "Bearer wrong"}, 401),
        ("/-/api/apps", {"authorization": f"Bearer {APP.key}"}, 401),
        ("/-/api/apps", {"authorization": f"Basic {OPERATOR}"}, 401),
        ("/-/api/apps", {"app-id": APP.id, "app-key": APP.master_key}, 401),
        ("/-/api/apps", {"authorization": "Bearer m3"}, 401),
        ("/-/api/apps", OWN, 200),
        ("/-/api/apps", ALL, 200),
        (BASE, OWN, 200),
        (BASE, ALL, 200),
        ("/-/api/apps/bare", OWN, 404),
        ("/-/api/apps/bare", {"authorization": "Bearer m2"}, 200),
        ("/-/api/apps/nobody", ALL, 404),
        ("/-/api/apps/nobody", OWN, 404),
        ("/-/api/apps/bare/sessions", OWN, 404),
    ],
)
async def test_the_operator_sees_all_and_a_master_key_its_app(
    served: Served, path: str, headers: dict[str, str], status: int
) -> None:
    served.broker.on(InspectSessions, SessionsSeen(sessions=[], total=0))
    answer = await served.client.get(path, headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()["error"]) == {"reason", "message"}
    for secret in (APP.master_key, APP.secret, "m2", OPERATOR):
        assert secret not in answer.text


async def test_without_an_operator_token_only_keys_count(tmp_path: Path) -> None:
    dialect = Parley(desk(tmp_path, Metrics(), ""))
    for token in ("", " ", "x"):
        ask = Ask(method="GET", headers=Headers([("Authorization", f"Bearer {token}")]))
        with pytest.raises(Refused, match="unauthorized"):
            dialect.admit(ask, {APP.id: APP})


async def test_apps_are_listed_to_whom_they_belong(served: Served) -> None:
    listed = (await served.client.get("/-/api/apps", headers=OWN)).json()["apps"]
    assert [app["id"] for app in listed] == [APP.id]
    listed = (await served.client.get("/-/api/apps", headers=ALL)).json()["apps"]
    assert [app["id"] for app in listed] == [APP.id, "bare", "gone"]
    assert listed[0]["settings"]["token_required"] is True


async def test_a_user_is_put_with_a_hash_and_never_a_password(served: Served) -> None:
    served.broker.on(PutUser, UserFound(user=USER))
    served.broker.on(GetUser, UserFound(user=USER))
    body: dict[str, Any] = {"password": "correct horse", "attributes": {"a": 1}, "must_be_new": True}
    answer = await served.client.put(f"{BASE}/users/tom", json=body, headers=OWN)
    shape = {
        "user": "tom",
        "attributes": {"a": 1},
        "online": True,
        "banned": False,
        "created_ms": 5,
        "updated_ms": None,
    }
    assert answer.json() == shape
    command = served.broker.last.command
    assert isinstance(command, PutUser)
    assert command.password is not None
    assert command.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert argon2.PasswordHasher().verify(command.password, "correct horse")
    assert (command.attributes, command.must_be_new) == (b'{"a":1}', True)
    for given, sent in (({}, None), ({"password": ""}, "")):
        await served.client.put(f"{BASE}/users/tom", json=given, headers=OWN)
        assert served.broker.last.command == PutUser(user="tom", password=sent)
    assert (await served.client.get(f"{BASE}/users/tom", headers=OWN)).json() == shape


async def test_hashing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Passwords()
    monkeypatch.setattr(passwords, "WAITING", 0)
    with pytest.raises(Refused, match="overloaded"):
        await hasher.hash("x")
    monkeypatch.undo()
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0)
    for _ in range(2):
        hasher._limiter.acquire_on_behalf_of_nowait(object())
    with pytest.raises(Refused, match="overloaded"):
        await hasher.hash("x")
    with pytest.raises(Refused, match="too_large"):
        await hasher.hash("x" * 2000)


@pytest.mark.parametrize(
    ("method", "path", "body", "command"),
    [
        ("POST", "users/tom/kick", None, Kick(user="tom")),
        ("POST", "users/tom/kick", {"device": "d", "reason": "why"}, Kick(user="tom", device="d", reason="why")),
        ("POST", "users/tom/kick", {"device": ""}, Kick(user="tom", device="")),
        ("POST", "users/tom/ban", None, BanUser(user="tom")),
        ("POST", "users/tom/unban", None, BanUser(user="tom", banned=False)),
        ("DELETE", "users/tom", None, DeleteUser(user="tom")),
        ("POST", "system", {"content": {"x": 1}}, SendSystem(content=b'{"x":1}')),
        ("POST", "system", {"content": "x", "user": "tom"}, SendSystem(content=b'"x"', users=("tom",))),
        ("POST", "system", {"content": None, "conversation": CONV_ID}, SendSystem(content=b"null", conversation=CONV)),
        (
            "PUT",
            f"conversations/{CONV_ID}/members/tom/role",
            {"role": "manager"},
            SetRole(conversation=CONV, user="tom", role=1),
        ),
        ("PUT", f"conversations/{CONV}/members/tom/role", {"role": 0}, SetRole(conversation=CONV, user="tom", role=0)),
        ("POST", f"conversations/{CONV_ID}/members/tom/block", None, Block(conversation=CONV, user="tom")),
        ("POST", f"conversations/{CONV_ID}/members/tom/unblock", None, Unblock(conversation=CONV, user="tom")),
        (
            "POST",
            f"conversations/{CONV_ID}/members/tom/mute",
            {"seconds": 60},
            Mute(conversation=CONV, user="tom", seconds=60),
        ),
        ("POST", f"conversations/{CONV_ID}/members/tom/unmute", None, Unmute(conversation=CONV, user="tom")),
        (
            "DELETE",
            f"conversations/{CONV_ID}/join-requests/tom",
            None,
            DismissJoinRequest(conversation=CONV, user="tom"),
        ),
        ("DELETE", f"conversations/{CONV_ID}/messages/{MSG_ID}", None, DeleteMessage(conversation=CONV, message=MSG)),
        ("DELETE", f"conversations/{CONV_ID}/messages/old-id", None, DeleteMessage(conversation=CONV, message="old-id")),
        ("POST", f"conversations/{CONV_ID}/messages/{MSG_ID}/recall", None, RecallMessage(conversation=CONV, message=MSG)),
    ],
)
async def test_each_call_is_one_command(served: Served, method: str, path: str, body: Any, command: Command) -> None:
    served.broker.on(
        type(command), Patched(time_ms=4) if isinstance(command, DeleteMessage | RecallMessage) else Done(time_ms=4)
    )
    answer = await served.client.request(method, f"{BASE}/{path}", json=body, headers=OWN)
    assert (answer.status_code, answer.json()) == (200, {"time_ms": 4})
    assert served.broker.last == Managed(app=APP.id, rev=3, command=command)


async def test_requests_to_join_are_listed(served: Served) -> None:
    served.broker.on(ListJoinRequests, JoinRequestList(requests=[JoinRequestInfo("tom", 5), JoinRequestInfo("ann", 6)]))
    answer = await served.client.get(f"{BASE}/conversations/{CONV_ID}/join-requests", headers=OWN)
    assert answer.json() == {"requests": [{"user": "tom", "asked_ms": 5}, {"user": "ann", "asked_ms": 6}]}
    assert served.broker.last == Managed(app=APP.id, rev=3, command=ListJoinRequests(conversation=CONV))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"conversations/{CONV_ID}/members/tom/role", {}, 400),
        ("PUT", f"conversations/{CONV_ID}/members/tom/role", {"role": True}, 400),
        ("PUT", f"conversations/{CONV_ID}/members/tom/role", {"role": "owner"}, 400),
        ("PUT", f"conversations/{CONV_ID}/members/tom/role", {"role": []}, 400),
        ("POST", f"conversations/{CONV_ID}/members/tom/mute", {"seconds": 86_401}, 400),
        ("POST", "conversations/nonsense/members/tom/block", None, 404),
        ("GET", "conversations/nonsense/join-requests", None, 404),
        ("POST", "system", {}, 400),
        ("POST", "system", {"content": 1, "user": "a", "conversation": CONV_ID}, 400),
        ("POST", "users/tom/kick", [], 400),
        ("PUT", "users/tom", {"password": 5}, 400),
        ("PUT", "users/tom", {"attributes": "x"}, 400),
        ("POST", "nothing", None, 404),
    ],
)
async def test_bad_requests_are_said_clearly(served: Served, method: str, path: str, body: Any, status: int) -> None:
    answer = await served.client.request(method, f"{BASE}/{path}", json=body, headers=OWN)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"reason", "message"}
    assert served.broker.heard == []


def test_every_reason_has_a_rendering() -> None:
    assert set(Parley.renderings) == set(Reason)
