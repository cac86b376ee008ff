"""How commands are said in our own API (`adminapi.dialects.saying`): what is done to users and members."""

from __future__ import annotations

from adminapi.dialects.saying import Call, Fields, Names, Note, Point, Sayings, segment, value_of, without_none

sayings = Sayings(
    {
        "users.export": Point(verb="ExportUser"),
        "messages.tail": Point(verb="Tail"),
    }
)

NO_SOCKET = ("Our own API says no messages as a user; see Native.", "自有接口不以用户身份发消息，请用 Native 方言。")


def app(names: Names, rest: str) -> str:
    return f"/-/api/apps/{segment(names.app)}{rest}"


def user(fields: Fields, names: Names, rest: str = "") -> str:
    return app(names, f"/users/{segment(fields['user'])}{rest}")


def conversation(fields: Fields, names: Names, rest: str = "") -> str:
    return app(names, f"/conversations/{segment(names.hex32(fields['conversation']))}{rest}")


def member(fields: Fields, names: Names, rest: str) -> str:
    return conversation(fields, names, f"/members/{segment(fields['user'])}{rest}")


@sayings.of("GetUser")
def get_user(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=user(fields, names))


@sayings.of("PutUser")
def put_user(fields: Fields, names: Names) -> Call:
    body = without_none(
        attributes=fields.get("attributes"), password=fields.get("password"), must_be_new=fields.get("must_be_new")
    )
    note = None
    if fields.get("merge"):
        note = ("This replaces all attributes: name all that are to stay.", "会替换全部属性：请写全要保留的属性。")
    return Call(method="PUT", path=user(fields, names), body=body, note=note)


@sayings.of("DeleteUser")
def delete_user(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=user(fields, names))


@sayings.of("BanUser")
def ban(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=user(fields, names, "/ban" if fields.get("banned", True) else "/unban"))


@sayings.of("Kick")
def kick(fields: Fields, names: Names) -> Call:
    body = without_none(device=fields.get("device"), reason=fields.get("reason"))
    return Call(method="POST", path=user(fields, names, "/kick"), body=body)


@sayings.of("ListUsers")
def list_users(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=app(names, "/users"), query=page(fields))


def page(fields: Fields, most: int = 100) -> tuple[tuple[str, str], ...]:
    return (("start", str(fields.get("skip", 0))), ("limit", str(min(fields.get("limit", most), most))))


@sayings.of("ListFriends")
def list_friends(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=app(names, f"/users/{segment(fields['as'])}/friends"))


@sayings.of("GetConversation")
def get_conversation(fields: Fields, names: Names) -> Call | Note:
    if "conversation" not in fields:
        return "A conversation of two is found by its id only.", "双人会话只能按会话 ID 查找。"
    return Call(method="GET", path=conversation(fields, names))


@sayings.of("ListConversations")
def list_conversations(fields: Fields, names: Names) -> Call:
    user = value_of(fields, "member")
    path = "/conversations" if user is None else f"/users/{segment(user)}/conversations"
    return Call(method="GET", path=app(names, path), query=page(fields))


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=conversation(fields, names, "/members"), query=page(fields))


@sayings.of("History")
def history(fields: Fields, names: Names) -> Call | Note:
    if "between" in fields:
        return "What two users said is found by their conversation's id only.", "两人的消息只能按会话 ID 查询。"
    query = (("limit", str(min(fields.get("limit", 50), 100))),)
    return Call(method="GET", path=conversation(fields, names, "/messages"), query=query)


@sayings.of("QueryPresence")
def online(fields: Fields, names: Names) -> list[Call]:
    note = ("`online` of the answer; one call a user.", "看返回中的 online；每个用户一次调用。")
    path = app(names, "/users/")
    return [Call(method="GET", path=path + segment(each), near=True, note=note) for each in fields["users"]]


@sayings.of("SendSystem")
def send_system(fields: Fields, names: Names) -> Call | list[Call]:
    if "users" in fields:
        bodies = [{"content": fields["content"], "user": each} for each in fields["users"]]
        return [Call(method="POST", path=app(names, "/system"), body=body) for body in bodies]
    body = {"content": fields["content"]}
    if "conversation" in fields:
        body["conversation"] = names.hex32(fields["conversation"])
    return Call(method="POST", path=app(names, "/system"), body=body)


@sayings.of("SendMessage")
def send(fields: Fields, names: Names) -> Note:
    return NO_SOCKET


@sayings.of("SetRole")
def set_role(fields: Fields, names: Names) -> Call:
    return Call(method="PUT", path=member(fields, names, "/role"), body={"role": "manager" if fields["role"] else "member"})


@sayings.of("Block")
def block(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=member(fields, names, "/block"))


@sayings.of("Unblock")
def unblock(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=member(fields, names, "/unblock"))


@sayings.of("Mute")
def mute(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=member(fields, names, "/mute"), body={"seconds": fields.get("seconds", 0)})


@sayings.of("Unmute")
def unmute(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=member(fields, names, "/unmute"))


@sayings.of("ListJoinRequests")
def list_join_requests(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=conversation(fields, names, "/join-requests"))


@sayings.of("DismissJoinRequest")
def dismiss_join_request(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names, f"/join-requests/{segment(fields['user'])}"))


@sayings.of("DeleteMessage")
def delete_message(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=message(fields, names))


@sayings.of("RecallMessage")
def recall_message(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=message(fields, names, "/recall"))


def message(fields: Fields, names: Names, more: str = "") -> str:
    given = fields["message"]
    text = names.hex32(given) if isinstance(given, int) else given
    return conversation(fields, names, f"/messages/{segment(text)}{more}")
