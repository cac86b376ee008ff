"""Actions that the app's own server has to have signed (`protocols.md` 2.16), where the app asks for it.

The law: an app that does not ask ignores what it is given; one that asks refuses what is missing, wrong, older than six
hours, or older than the forced logout that voided it. Only LeanCloud's wire knows these signatures.
"""

from __future__ import annotations

from broker.hub.decision import Decision
from broker.hub.session import LEANCLOUD
from protocol.commands import Signature
from protocol.errors import Reason, Refused
from protocol.signatures import Action, action_signed, member_ids


def login_asks(d: Decision, wire: str) -> bool:
    settings = d.hub.app.settings
    return wire == LEANCLOUD and (settings.token_required or settings.leancloud_signatures)


def check_conversation(
    d: Decision, signature: Signature | None, action: Action, conversation: int, members: tuple[str, ...]
) -> None:
    """UNAUTHORIZED unless this session need not show one, or shows a good one."""
    session = d.caller.session
    if session is None or session.wire != LEANCLOUD or not d.hub.app.settings.leancloud_signatures:
        return
    tables = d.hub.tables
    text = tables.alias_of.get(conversation) or tables.forms.hex24(conversation) if conversation else ""
    check(d, signature, action, session.user, text, member_ids(members))


def check(
    d: Decision, signature: Signature | None, action: Action, user: str, conversation: str = "", members: str = ""
) -> None:
    """UNAUTHORIZED unless the signature is the app's."""
    if signature is None or not signature.text:
        raise Refused(Reason.UNAUTHORIZED, "this app wants a signature for that; ask the app's server for one")
    app = d.hub.app
    times = [
        action_signed(
            key,
            signature.text,
            d.when.wall_ms,
            action,
            app.id,
            user,
            signature.timestamp,
            signature.nonce,
            conversation=conversation,
            members=members,
        )
        for key in app.keys(d.when.wall_ms, "master_key")
    ]
    at = next((time for time in times if time is not None), None)
    row = d.hub.tables.users.get(user)
    if at is None or (row is not None and at < row.tokens_from_ms):
        raise Refused(Reason.UNAUTHORIZED, "the signature is not good for this, or no longer; ask the app's server anew")
