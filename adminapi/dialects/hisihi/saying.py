"""How commands are said in the hisihi API (`adminapi.dialects.saying`): groups, their members, and who is where."""

from __future__ import annotations

from adminapi.dialects.saying import Call, Fields, Names, Note, Point, Sayings, segment, value_of
from protocol.records import Kind

sayings = Sayings(
    {
        "directory.get_group": Point(command="GetConversation"),
        "directory.list_contacts": Point(verb="ListContacts", command="ListUsers"),
        "signatures.sign_login": Point(verb="Sign"),
        "signatures.sign_conversation": Point(verb="Sign"),
        "signatures.sign_invite": Point(verb="Sign"),
        "signatures.sign_kick": Point(verb="Sign"),
    }
)

GROUPS_ONLY = ("Hisihi knows groups only.", "Hisihi 只有群组。")
FIELDS = ("group_avatar", "organization_id", "description")


def group(fields: Fields, rest: str = "") -> str:
    return f"/im/group/{segment(fields['conversation'])}{rest}"


@sayings.of("CreateConversation")
def create(fields: Fields, names: Names) -> Call | Note:
    if fields["kind"] != Kind.GROUP:
        return GROUPS_ONLY
    members, attributes = list(fields["members"]), fields.get("attributes", {})
    body = {
        "group_name": fields.get("name") or "$NAME",
        "member_client_ids": ":".join(members),
        "organization_id": attributes.get("organization_id", 1),
        "conversation_id": "",
        "group_avatar": attributes.get("group_avatar", ""),
        "admin_uid": fields.get("as") or (members[0] if members else "$USER"),
        "description": attributes.get("description", ""),
    }
    return Call(method="POST", path="/im/group", body=body)


@sayings.of("UpdateConversation")
def rename(fields: Fields, names: Names) -> Call | Note:
    if names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    if not fields.get("name"):
        return "Hisihi changes a group's name only.", "Hisihi 只能修改群名称。"
    return Call(method="PUT", path=group(fields), body={"group_name": fields["name"]})


@sayings.of("DeleteConversation")
def delete(fields: Fields, names: Names) -> Call | Note:
    return Call(method="DELETE", path=group(fields)) if names.kind in (None, Kind.GROUP) else GROUPS_ONLY


@sayings.of("AddMembers")
def add_members(fields: Fields, names: Names) -> Call | Note:
    if names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return Call(method="POST", path=group(fields, "/member"), body={"member_client_ids": ":".join(fields["users"])})


@sayings.of("RemoveMembers")
def remove_members(fields: Fields, names: Names) -> list[Call] | Note:
    if names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return [Call(method="DELETE", path=group(fields, f"/member/{segment(user)}")) for user in fields["users"]]


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call | Note:
    if names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return Call(
        method="GET",
        path=group(fields),
        near=True,
        note=("The answer is the whole group, with its members.", "返回整个群组，其中包括成员。"),
    )


@sayings.of("GetConversation")
def get_group(fields: Fields, names: Names) -> Call | Note:
    if "conversation" not in fields or names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return Call(method="GET", path=group(fields))


@sayings.of("ListConversations")
def list_groups(fields: Fields, names: Names) -> Call | Note:
    if value_of(fields, "kind") not in (None, Kind.GROUP):
        return GROUPS_ONLY
    member, organization = value_of(fields, "member"), value_of(fields, "attributes.organization_id")
    if member is not None:
        return Call(method="GET", path=f"/im/user/{segment(member)}/groups")
    size = min(fields.get("limit", 20), 100)
    page = (("page", str(fields.get("skip", 0) // max(size, 1) + 1)), ("per_page", str(size)))
    path = "/im/groups" if organization is None else f"/im/org/{segment(organization)}/groups"
    return Call(method="GET", path=path, query=page)


@sayings.of("RequestJoin")
def apply_to_join(fields: Fields, names: Names) -> Call:
    path = f"/im/user/{segment(fields.get('as') or '$USER')}{group(fields).removeprefix('/im')}/join_group_notification"
    return Call(method="POST", path=path)


@sayings.of("SendMessage", "SendSystem")
def send(fields: Fields, names: Names) -> Note:
    return (
        "Messages are said on sockets in this dialect, or through LeanCloud's.",
        "此方言的消息在长连接上发送，或使用 LeanCloud 方言。",
    )


@sayings.of("PutUser")
def put_user(fields: Fields, names: Names) -> Note:
    return "Users come into being here when a call names them.", "用户在首次被提到时自动创建。"
