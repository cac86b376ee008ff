"""Operators signing in and out."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Caller, OperatorRole, Routes, bearer, json_answer
from adminapi.dialects.parley.endpoints.shapes import NO_APP
from adminapi.dialects.parley.schemas import installation as schemas
from adminapi.dialects.parley.services import OperatorSession, Services, Witness
from adminapi.schemas import About
from protocol.errors import Reason
from protocol.wires.native.fields import Data, missing, text_or

REFUSED = frozenset(
    {Reason.MISSING_FIELD, Reason.WRONG_PASSWORD, Reason.TOO_FAST, Reason.OVERLOADED, Reason.STORAGE_UNAVAILABLE}
)


def routes_with(services: Services) -> Routes:
    routes, operators = Routes(), services.operators

    signing_in = About(answer=schemas.SIGNED_IN, body=schemas.SIGN_IN, refuses=REFUSED)

    @routes.add("POST", "/-/api/sign-in", about=signing_in, open=True)
    async def sign_in(ask: Ask, broker: Witness) -> Answer:
        """Get a session token for an operator's name and password.

        `parley operator add` makes operators. The token is good for 12 hours, and as long as the account stays as it is."""
        data = ask.json_object()
        name, password = text_or(data, "name", 64), text_or(data, "password", 1024)
        if not name or not password:
            missing("name" if not name else "password")
        token, session = await operators.sign_in(name, password, ask.remote)
        ask.caller = caller_of(session)
        await broker.changing("SignIn", "")
        return json_answer({"token": token, **me_shape(session)})

    @routes.add("GET", "/-/api/me", about=About(answer=schemas.ME), alone=True)
    async def me(ask: Ask, broker: Witness) -> Answer:
        """Whose token this is."""
        session = operators.session(bearer(ask.headers))
        if session is not None:
            return json_answer(me_shape(session))
        app = None if ask.caller is None or ask.caller.whole else ask.app.id
        return json_answer({"name": app or "operator", "role": OperatorRole.ADMIN.word, "expires_ms": None, "app": app})

    @routes.add("POST", "/-/api/sign-out", about=About(answer=schemas.NOTHING), alone=True, role=OperatorRole.VIEWER)
    async def sign_out(ask: Ask, broker: Witness) -> Answer:
        """End the session of this token.

        Other sessions of the operator go on. With any other token nothing happens."""
        if operators.session(bearer(ask.headers)) is not None:
            await broker.changing("SignOut", "")
            await operators.sign_out(bearer(ask.headers))
        return json_answer({})

    return routes


def caller_of(session: OperatorSession) -> Caller:
    return Caller(app=NO_APP, proof="password", whole=True, operator=session.name, role=session.role)


def me_shape(session: OperatorSession) -> Data:
    return {"name": session.name, "role": session.role.word, "expires_ms": session.expires_ms, "app": None}
