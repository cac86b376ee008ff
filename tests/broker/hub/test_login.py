"""Login, the five rules of who is kicked, take-over, session tokens, the swap guard, bans and kicks (DESIGN 3)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from protocol.apps import EarlierKeys
from protocol.commands import (
    BanUser,
    DeleteUser,
    History,
    Kick,
    Logout,
    PutUser,
    Signature,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.signatures import Action, sign_action
from protocol.tokens import make_jwt
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import reason, text


def test_a_new_name_becomes_a_user_with_its_attributes(script: Script) -> None:
    script.login("tom", attributes=b'{"nickname":"Tom"}')
    assert script.hub().tables.users["tom"].attributes == b'{"nickname":"Tom"}'
    script.login("tom-again", "tom", device="d2", attributes=b'{"nickname":"Other"}')
    assert script.hub().tables.users["tom"].attributes == b'{"nickname":"Tom"}'


def test_names_a_native_login_cannot_make(script: Script) -> None:
    assert reason(script.login("x", "no spaces")) is Reason.BAD_USER_ID
    assert reason(script.login("x", "no!")) is Reason.BAD_USER_ID


def test_an_app_may_refuse_to_make_users() -> None:
    script = Script(app(create_users=False))
    assert reason(script.login("tom")) is Reason.UNKNOWN_USER


def test_an_unknown_app_and_a_second_login_are_refused(script: Script) -> None:
    assert reason(script.login("tom", app="nowhere")) is Reason.UNKNOWN_APP
    script.login("tom")
    assert reason(script.login("tom")) is Reason.NOT_ALLOWED


RULES = {
    "device": ({"device": "d"}, {"device": "d"}, {"device": "e"}),
    "tag": ({"tag": "mobile"}, {"tag": "mobile"}, {"tag": "web"}),
    "platform": ({"platform": "ios"}, {"platform": "ios"}, {"platform": "pc"}),
    "user": ({"device": "d"}, {"device": "e"}, None),
    "none": ({"device": "d"}, None, {"device": "d"}),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_kicks_whoever_holds_the_slot_and_nobody_else(rule: str) -> None:
    script = Script(app(multi_login=rule))
    first, same, other = RULES[rule]
    script.login("first", "tom", **first)
    script.login("ann")
    script.heard("first")
    if other is not None:
        script.login("other", "tom", **other)
        assert script.heard("first") == []
    if same is not None:
        script.login("same", "tom", **same)
        assert script.heard("first") == [CloseReason.REPLACED]
        replacing = [number for number, session in script.hub().sessions.items() if session.replaced]
        assert replacing == [script.numbers["same"]]
        assert reason(script.say("first", text("m", to="ann"))) is Reason.NOT_LOGGED_IN


def test_no_device_is_the_device_without_a_name(script: Script) -> None:
    script.login("first", "tom")
    script.heard("first")
    script.login("second", "tom")
    assert script.heard("first") == [CloseReason.REPLACED]


def test_no_tag_never_conflicts() -> None:
    script = Script(app(multi_login="tag"))
    script.login("first", "tom")
    script.login("second", "tom")
    assert len(script.hub().sessions) == 2


def test_the_farewell_of_the_old_leaves_before_the_answer_to_the_new(script: Script) -> None:
    order: list[tuple[str, int]] = []
    perform = script.perform
    script.perform = lambda effect: (order.append((type(effect).__name__, effect.session)), perform(effect))[1]  # type: ignore[attr-defined, method-assign]
    script.login("old", "tom")
    order.clear()
    script.login("new", "tom")
    assert order == [("EndSession", script.numbers["old"]), ("ReplyTo", script.numbers["new"])]


def test_a_session_token_continues_its_session_without_a_kick(script: Script) -> None:
    token = script.login("first", "tom", device="d").session_token
    script.heard("first")
    again = script.login("second", "tom", session_token=token)
    assert again.device == "d"
    assert script.heard("first") == [CloseReason.CONTINUED]
    assert not any(session.replaced for session in script.hub().sessions.values())


def test_a_session_token_outlives_a_restart_and_keeps_its_device() -> None:
    script = Script(app(token_required=True))
    script.manage(PutUser(user="tom"))
    token = script.login("x", "tom", device="d", token=make_jwt("s", {"unique_name": "tom"})).session_token
    script.restart()
    assert script.login("y", "tom", session_token=token).device == "d"
    script.heard("y")
    script.login("z", "tom", device="d", token=make_jwt("s", {"unique_name": "tom"}))
    assert script.heard("y") == [CloseReason.REPLACED]


def test_session_tokens_of_others_and_withdrawn_ones_are_refused(script: Script) -> None:
    token = script.login("first", "tom", device="d").session_token
    script.login("ann")
    assert reason(script.login("x", "bob", session_token=token)) is Reason.BAD_TOKEN
    assert reason(script.login("x", "tom", device="e", session_token=token)) is Reason.BAD_TOKEN
    assert reason(script.login("x", "tom", session_token="x" + token[1:])) is Reason.BAD_TOKEN
    script.manage(Kick(user="tom"))
    assert reason(script.login("x", "tom", session_token=token)) is Reason.BAD_TOKEN
    fresh = script.login("x", "tom", device="d").session_token
    assert script.login("y", "tom", session_token=fresh).user == "tom"


def test_a_session_token_ends_after_thirty_days(script: Script) -> None:
    token = script.login("first", "tom").session_token
    script.ms += 30 * 86_400_000 + 1
    assert reason(script.login("x", "tom", session_token=token)) is Reason.BAD_TOKEN


def test_keys_that_were_changed_log_in_until_their_overlap_is_over() -> None:
    before = app(token_required=True)
    script = Script(before)
    script.manage(PutUser(user="tom"))
    login = make_jwt("s", {"unique_name": "tom"})
    kept = script.login("x", "tom", token=login).session_token
    earlier = EarlierKeys(key="k", master_key="m", secret="s", until_ms=script.ms + 1000)
    after = replace(before, key="k2", master_key="m2", secret="s2", earlier=(earlier,))
    script.core.change_apps(script.core.apps.configure([after]))

    def proofs(secret: str, master_key: str) -> list[dict[str, Any]]:
        stamp = str(script.ms)
        text = sign_action(master_key, Action.LOGIN, "a", "tom", stamp, "n")
        signed = {"wire": "leancloud", "signature": Signature(text, stamp, "n")}
        return [{"token": make_jwt(secret, {"unique_name": "tom"})}, signed]

    for number, fields in enumerate((*proofs("s", "m"), *proofs("s2", "m2"), {"session_token": kept})):
        assert script.login(f"y{number}", "tom", **fields).user == "tom"
        script.say(f"y{number}", Logout())
    script.ms += 1000
    for fields in (*proofs("s", "m"), {"session_token": kept}):
        assert reason(script.login("z", "tom", **fields)) in (Reason.BAD_TOKEN, Reason.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("claims", "secret", "fine"),
    [
        ({"unique_name": "tom"}, "s", True),
        ({"sub": "tom"}, "s", True),
        ({"unique_name": "ann"}, "s", False),
        ({"unique_name": "tom"}, "other", False),
        ({"unique_name": "tom", "exp": 1_800_000_000 - 61}, "s", False),
        ({"unique_name": "tom", "exp": 1_800_000_000 + 61}, "s", True),
        ({"unique_name": "tom", "nbf": 1_800_000_000 + 61}, "s", False),
        ({"unique_name": "tom", "exp": "soon"}, "s", False),
    ],
)
def test_a_jwt_must_name_the_user_and_be_ours_and_be_valid_now(claims: dict[str, object], secret: str, fine: bool) -> None:
    script = Script(app(token_required=True))
    reply = script.login("x", "tom", token=make_jwt(secret, claims))
    assert isinstance(reply, Refused) is not fine
    if not fine:
        assert reason(reply) is Reason.BAD_TOKEN


def test_a_number_in_a_jwt_is_the_name_it_spells() -> None:
    script = Script(app(token_required=True))
    assert script.login("x", "8", token=make_jwt("s", {"unique_name": 8})).user == "8"


def test_an_app_that_wants_proof_takes_no_bare_name() -> None:
    script = Script(app(token_required=True))
    assert reason(script.login("x", "tom")) is Reason.BAD_TOKEN


def test_a_password_is_compared_outside_and_looked_at_again_after(script: Script) -> None:
    script.manage(PutUser(user="tom", password="right"))
    assert script.login("a", "tom", password="right").user == "tom"
    assert reason(script.login("b", "tom", password="wrong")) is Reason.WRONG_PASSWORD
    assert reason(script.login("c", "nobody", password="x")) is Reason.UNKNOWN_USER
    script.hold_jobs = True
    assert script.login("d", "tom", password="right") is None
    script.manage(BanUser(user="tom"))
    script.hold_jobs = False
    script.run()
    assert reason(script.heard("d")[0]) is Reason.BANNED


def test_a_password_changed_during_the_comparison_is_asked_again(script: Script) -> None:
    script.manage(PutUser(user="tom", password="old"))
    script.hold_jobs = True
    script.login("d", "tom", password="old")
    script.manage(PutUser(user="tom", password="new"))
    script.hold_jobs = False
    script.run()
    assert isinstance(script.heard("d")[0], Refused)


def test_five_swaps_in_a_minute_make_the_next_login_wait(script: Script) -> None:
    for n in range(6):
        script.login(f"s{n}", "tom")
        if n:
            script.drop(f"s{n - 1}")  # a live loser closes as soon as it has read its farewell
    refused = script.login("late", "tom")
    assert reason(refused) is Reason.LOGIN_CONFLICT
    assert 0 < refused.retry_after_ms <= 60_000
    script.pass_ms(refused.retry_after_ms)
    assert script.login("late", "tom").user == "tom"


def test_losers_that_were_dead_do_not_count_as_swaps(script: Script) -> None:
    for n in range(12):
        script.login(f"s{n}", "tom")
        script.pass_ms(2000)  # nobody answers; the gateway closes after its linger time
        if n:
            script.drop(f"s{n - 1}")
    assert script.login("again", "tom").user == "tom"


def test_of_sixteen_sessions_the_oldest_gives_way(script: Script) -> None:
    for n in range(16):
        script.login(f"s{n}", "tom", device=f"d{n}")
    script.heard("s0")
    script.login("s16", "tom", device="d16")
    assert script.heard("s0") == [CloseReason.REPLACED]
    assert len(script.hub().sessions) == 16


def test_an_app_may_give_its_users_fewer_sessions() -> None:
    script = Script(app(sessions_per_user=1, multi_login="none"))
    script.login("one", "tom", device="d1")
    script.login("other", "ann", device="d1")
    script.login("two", "tom", device="d2")
    assert CloseReason.REPLACED in script.heard("one")
    assert CloseReason.REPLACED not in script.heard("other")
    assert len(script.hub().sessions) == 2


def test_kick_ban_and_deletion_end_sessions_with_their_reason(script: Script) -> None:
    for user in ("tom", "ann", "bob"):
        script.login(user)
        script.login(f"{user}2", user, device="d2")
        script.heard(user)
    script.manage(Kick(user="tom", reason="enough"))
    script.manage(BanUser(user="ann"))
    script.manage(DeleteUser(user="bob"))
    assert script.heard("tom") == [CloseReason.KICKED]
    assert script.heard("ann") == [CloseReason.BANNED]
    assert script.heard("bob") == [CloseReason.DELETED]
    assert reason(script.login("x", "ann")) is Reason.BANNED
    assert reason(script.login("x", "bob")) is Reason.UNKNOWN_USER
    script.manage(BanUser(user="ann", banned=False))
    assert script.login("x", "ann").user == "ann"
    assert reason(script.manage(PutUser(user="bob"))) is Reason.EXISTS


def test_one_device_can_be_kicked(script: Script) -> None:
    script.login("tom", device="d1")
    script.login("tom2", "tom", device="d2")
    script.manage(Kick(user="tom", device="d2"))
    assert script.heard("tom2")[-1] is CloseReason.KICKED
    assert CloseReason.KICKED not in script.heard("tom")


def test_what_waited_is_looked_at_again_before_it_goes_on(script: Script) -> None:
    script.login("tom")
    script.login("ann")
    conversation = script.say("tom", text("m", to="ann")).conversation
    script.manage(PutUser(user="bob", password="right"))
    script.tails["a"].hidden = True
    script.hold_jobs = True
    script.say("ann", History(conversation=conversation))
    script.login("bob", password="right")
    script.heard("ann")
    script.manage(Kick(user="ann"))
    script.core.change_apps(script.apps.configure([app("b")]))
    script.hold_jobs = False
    script.run()
    assert [each.reason for each in script.heard("ann") if isinstance(each, Refused)] == [Reason.UNKNOWN_APP]
    assert reason(script.heard("bob")[-1]) is Reason.UNKNOWN_APP


def test_a_session_that_ended_does_not_send_what_still_waited(script: Script) -> None:
    conversation = script.login("tom") and script.login("ann") and script.say("tom", text("m", to="ann")).conversation
    script.hold_jobs = True
    script.say("tom", text("ghost", conversation=conversation, client_msg_id="c"))
    script.manage(Kick(user="tom"))
    script.hold_jobs = False
    script.run()
    assert script.hub().tables.heads[conversation].last_seq == 1
    assert not script.hub().tables.sends
