"""Around a login: presence, rates, rights of callers, apps that are switched off, a full disk."""

from __future__ import annotations

import pytest

from protocol.commands import (
    AddFriend,
    BanUser,
    DeleteConversation,
    DeleteUser,
    FriendList,
    History,
    Kick,
    ListSessions,
    ListUsers,
    Logout,
    PutUser,
    QueryPresence,
    Subscribe,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import PresenceChanged
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import reason, text


def test_presence_does_not_flicker_when_a_session_is_taken_over(script: Script) -> None:
    script.login("ann")
    script.say("ann", Subscribe(users=("tom",)))
    script.login("old", "tom")
    script.pass_ms(1500)
    assert [push.changes[0].online for push in script.pushes("ann")] == [True]
    script.login("new", "tom")
    script.drop("old")
    script.pass_ms(15_000)
    assert script.pushes("ann") == []


def test_friends_and_subscribers_hear_of_presence_others_do_not(script: Script) -> None:
    for user in ("ann", "bob", "eve"):
        script.login(user)
    script.manage(PutUser(user="tom"))
    script.say("ann", AddFriend(user="tom"))
    script.say("bob", Subscribe(users=("tom",)))
    script.login("tom")
    script.pass_ms(1000)
    for name in ("ann", "bob"):
        (push,) = script.pushes(name)
        assert isinstance(push, PresenceChanged)
        assert [(change.user, change.online) for change in push.changes] == [("tom", True)]
    assert script.pushes("eve") == []


def test_a_lost_connection_counts_as_online_for_ten_seconds_a_logout_does_not(script: Script) -> None:
    script.login("ann")
    script.login("tom")
    script.login("bob")

    def online() -> list[str]:
        return list(script.say("ann", QueryPresence(users=("tom", "bob"))).online)

    script.drop("tom")
    script.say("bob", Logout())
    assert online() == ["tom"]
    script.pass_ms(9_900)
    assert online() == ["tom"]
    script.pass_ms(500)
    assert online() == []


def test_changes_taken_back_before_they_were_told_are_not_told(script: Script) -> None:
    script.login("ann")
    script.say("ann", Subscribe(users=("tom", "bob")))
    script.login("bob")
    script.pass_ms(1000)
    script.heard("ann")
    script.login("tom")
    script.login("bob2", "bob", device="x")
    script.say("tom", Logout())
    script.pass_ms(2000)
    assert script.pushes("ann") == []


def test_a_session_may_subscribe_to_two_hundred(script: Script) -> None:
    script.login("ann")
    assert script.say("ann", Subscribe(users=tuple(f"u{n}" for n in range(200)))).online == []
    assert reason(script.say("ann", Subscribe(users=("one-more",)))) is Reason.FULL


def test_rates_are_per_user_and_say_when_to_come_back() -> None:
    script = Script(app(sends_per_minute=3))
    script.login("tom")
    script.login("tom2", "tom", device="d2")
    script.login("ann")
    for name in ("tom", "tom2", "tom"):
        assert script.say(name, text("m", to="ann")).seq
    refused = script.say("tom2", text("m", to="ann"))
    assert reason(refused) is Reason.TOO_FAST
    assert script.say("ann", text("m", to="tom")).seq == 4
    script.pass_ms(refused.retry_after_ms)
    assert script.say("tom2", text("m", to="ann")).seq == 5


def test_sessions_are_listed_for_the_operator(script: Script) -> None:
    script.login("tom", device="d", platform="ios")
    listed = script.manage(ListSessions())
    assert [(each.user, each.device, each.platform, each.wire) for each in listed.sessions] == [
        ("tom", "d", "ios", "native")
    ]


def test_nobody_logs_in_while_the_broker_drains(script: Script) -> None:
    script.core.admission.draining = True
    assert reason(script.login("tom")) is Reason.GOING_AWAY


def test_a_full_disk_lets_known_users_in_and_creates_none(script: Script) -> None:
    script.login("tom")
    script.login("ann")
    script.core.admission.storage = False
    script.run()
    assert reason(script.login("bob")) is Reason.STORAGE_UNAVAILABLE
    assert script.login("tom2", "tom", device="d2").user == "tom"
    assert reason(script.say("tom", text("m", to="ann"))) is Reason.STORAGE_UNAVAILABLE
    script.core.admission.storage = True
    script.run()
    assert script.say("tom", text("m", to="ann")).seq == 1


def test_a_user_of_one_app_does_not_exist_in_another() -> None:
    script = Script(app("a"), app("b"))
    script.login("tom")
    script.login("ann", app="b")
    assert reason(script.say("ann", text("m", to="tom"))) is Reason.UNKNOWN_USER
    sent = script.say("tom", text("m", to="nobody"))
    assert reason(sent) is Reason.UNKNOWN_USER
    assert isinstance(script.login("z", app="b", user="tom"), type(script.login("y", user="tom", device="q")))
    made = script.say("tom", text("m", to="tom"))
    assert reason(made) is Reason.BAD_KIND


def test_a_disabled_app_ends_its_sessions_and_takes_no_logins() -> None:
    script = Script(app("a"), app("b"))
    script.login("tom")
    script.login("ann", app="b")
    script.core.change_apps(script.apps.configure([app("b")]))
    script.run()
    assert script.heard("tom")[-1] is CloseReason.KICKED
    assert CloseReason.KICKED not in script.heard("ann")
    assert reason(script.login("x", "tom")) is Reason.UNKNOWN_APP


def test_a_banned_users_own_token_does_nothing(script: Script) -> None:
    script.login("tom")
    script.login("ann")
    conversation = script.say("tom", text("m", to="ann")).conversation
    script.manage(BanUser(user="tom"))
    for command in (History(conversation=conversation), DeleteConversation(conversation=conversation)):
        assert reason(script.manage(command, user="tom", privileged=False)) is Reason.BANNED
        assert reason(script.manage(command, user="nobody", privileged=False)) is Reason.UNKNOWN_USER


def test_management_is_not_for_sockets_or_users_own_tokens(script: Script) -> None:
    script.login("tom")
    for command in (Kick(user="tom"), BanUser(user="tom"), DeleteUser(user="tom"), PutUser(user="x"), ListSessions()):
        assert reason(script.say("tom", command)) is Reason.NOT_ALLOWED
        assert reason(script.manage(command, user="tom", privileged=False)) is Reason.NOT_ALLOWED


def test_a_ban_ends_the_grace_of_a_lost_connection_and_friends_hear_of_a_deletion(script: Script) -> None:
    for user in ("tom", "ann", "bob"):
        script.login(user)
    script.say("ann", AddFriend(user="tom"))
    script.say("ann", AddFriend(user="bob"))
    script.pass_ms(1000)
    script.heard("ann")
    script.drop("tom")
    script.manage(BanUser(user="tom"))
    assert script.say("ann", QueryPresence(users=("tom",))).online == []
    script.manage(DeleteUser(user="bob"))
    script.pass_ms(1000)
    changes = [(change.user, change.online) for push in script.pushes("ann") for change in push.changes]
    assert sorted(changes) == [("bob", False), ("tom", False)]


def test_users_are_listed_in_pages_without_the_deleted(script: Script) -> None:
    for n in range(5):
        script.manage(PutUser(user=f"u{n}"))
    script.manage(DeleteUser(user="u1"))
    listed = script.manage(ListUsers(skip=1, limit=2))
    assert ([each.user for each in listed.users], listed.total) == (["u2", "u3"], 4)
    assert script.manage(ListUsers(skip=4)).users == []


def test_friends_have_a_limit_for_they_are_listed_in_one_answer(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.hub.users.MOST_FRIENDS", 2)
    for user in ("ann", "bob", "eve", "kim"):
        script.login(user)
    for name, friend in (("ann", "bob"), ("ann", "eve"), ("ann", "eve")):
        assert isinstance(script.say(name, AddFriend(user=friend)), FriendList)
    assert reason(script.say("ann", AddFriend(user="kim"))) is Reason.FULL
    assert reason(script.say("kim", AddFriend(user="ann"))) is Reason.FULL


def test_an_app_has_its_requests_a_second_over_all_sockets_and_no_other_app_pays() -> None:
    """`requests_per_second`: a second's worth at once, then evenly; what counts against nothing goes on."""
    script = Script(app(requests_per_second=4), app("other"))
    for user in ("tom", "ann"):
        script.login(user)
    for user in ("tom", "ann", "tom", "ann"):
        assert not isinstance(script.say(user, QueryPresence(users=())), Refused)
    refused = script.say("ann", QueryPresence(users=()))
    assert reason(refused) is Reason.TOO_FAST
    assert 0 < refused.retry_after_ms <= 251
    assert "requests_per_second" in refused.detail
    script.login("eve", app="other")
    assert not isinstance(script.say("eve", QueryPresence(users=())), Refused)
    script.pass_ms(refused.retry_after_ms)
    assert not isinstance(script.say("ann", QueryPresence(users=())), Refused)
    assert reason(script.say("tom", QueryPresence(users=()))) is Reason.TOO_FAST
    assert not isinstance(script.say("tom", Logout()), Refused)
