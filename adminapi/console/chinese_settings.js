// What an app may set, in Chinese. The law: the key is the server's own explanation, so one that has changed is shown in English until
// somebody has translated it again; a test names it.

import { learn } from "/-/look/words.js";

learn({
  "Which other session of the user a login ends: the one with the same device, tag or platform, any (user), or none (none). Empty: each wire keeps its own rule of who is kicked; set, it binds all wires of the app.": "一次登录会结束该用户的哪些其他会话：device、tag、platform 相同的那个，任意一个（user），或都不结束（none）。留空：各协议沿用自己的踢下线规则；设置后对应用的所有协议生效。",
  "A socket login needs a token, a password or a session token, not only a name.": "套接字登录需要令牌、密码或会话令牌，只有名称不够。",
  "A login by an unknown name creates the user.": "以未知名称登录时创建该用户。",
  "Anyone of the app may join a group by its id; rooms are always open.": "应用中的任何人都可以凭群组 ID 加入群组；聊天室始终开放。",
  "Any member of a group may add others and change its name and attributes, as LeanCloud's apps expect; else managers and the owner.": "群组的任何成员都可以添加他人并修改群组的名称和属性，与 LeanCloud 的应用一致；否则只有管理者和所有者可以。",
  "LeanCloud's sockets find every conversation, as its apps expect; else their own and the rooms.": "LeanCloud 的套接字可以查到所有对话，与其应用一致；否则只能查到自己的对话和聊天室。",
  "Members see only what was said since they joined.": "成员只能看到加入之后的消息。",
  "The native dialect accepts app-id without key or token, as its original did.": "原生接口只凭 app-id 即可调用，无需密钥或令牌，与其原始系统一致。",
  "Two errors of JMessage carry the numbers its document prints, 800011 and 800012, which newer clients of that vendor read as something else.": "JMessage 的两个错误使用其文档所写的编号 800011 和 800012，该厂商较新的客户端对它们有别的理解。",
  "The LeanCloud dialect accepts the app's key where it wants the master key, as the seed's examples do. That key stands in released apps for anyone to read.": "LeanCloud 接口在需要主密钥的地方接受应用的 key，与文档示例一致。该 key 写在已发布的应用里，任何人都能读到。",
  "Lists of members and of mutes come as {\"result\": [...]}, as the vendor's later clients read them.": "成员列表和禁言列表以 {\"result\": [...]} 返回，与该厂商较新的客户端一致。",
  "LeanCloud's sockets show a signature of the app's server to log in, and to make, join, leave or change the members of a conversation. Off, only a login needs one, and only where token_required is on.": "LeanCloud 的套接字在登录以及创建、加入、离开对话或更改成员时须出示应用服务器的签名。关闭时，只有登录需要，且仅在 token_required 开启时。",
  "How far the time of a signed request may be from ours: until then it can be replayed. 0: any.": "签名请求的时间与本机时间允许相差多少秒：在此期间请求可被重放。0：不限。",
  "The hisihi dialect asks for no proof, as its document does: whoever reaches the port manages this app's groups, and gets signatures by which he logs in as anyone.": "hisihi 接口不要求任何凭证，与其文档一致：能访问该端口的人都可以管理该应用的群组，并能取得以任何人身份登录的签名。",
  "Messages a user may send in a minute, on all connections together. 0: no limit.": "一个用户每分钟可发送的消息数，所有连接合计。0：不限。",
  "Reads of history a user may make in a minute. 0: no limit.": "一个用户每分钟可读取历史的次数。0：不限。",
  "Other calls a user may make in a minute. 0: no limit.": "一个用户每分钟可进行的其他调用次数。0：不限。",
  "Management calls of the app in a minute, over all dialects; beyond it they get their dialect's 429. A service that many share gives 1800; a host of one's own serves its back office as fast as it can. 0: no limit.": "应用每分钟的管理调用次数，所有接口合计；超出时返回该接口的 429。多人共用的服务给 1800；自己的主机可全速服务自己的后台。0：不限。",
  "Frames one connection may send in a second. Far above what a person causes: it stops loops, not users. 0: no limit.": "一个连接每秒可发送的帧数。远高于人的操作：它用来阻止死循环，而不是用户。0：不限。",
  "Sessions a user may have at once, over all wires; for one more the oldest gives way.": "一个用户同时可有的会话数，所有协议合计；再多一个时最早的让位。",
  "Bytes of UTF-8 in the text of one message, at most.": "一条消息文本的最大字节数（UTF-8）。",
  "Members of a temporary conversation, at most.": "临时对话的最大成员数。",
  "Members of a group, at most.": "群组的最大成员数。",
  "Members of a room, at most: each message goes to all of them.": "聊天室的最大成员数：每条消息都会发给所有人。",
  "A temporary conversation silent for so many days is deleted. 0 keeps them all.": "临时对话沉默多少天后删除。0：全部保留。",
  "How many days messages are kept; 0 keeps them all.": "消息保留多少天；0：全部保留。",
  "How many days uploaded files are kept; 0 keeps them all.": "上传的文件保留多少天；0：全部保留。",
  "Bytes of one upload, at most.": "一次上传的最大字节数。",
  "Requests of all the app's sockets together in a second, those apart that count against nothing (pings, acknowledgements). Where apps share a host, 5000 is about half of what the broker does on one core, so that none takes it from the others. 0: no limit.": "应用的所有套接字每秒合计的请求数，不计 ping 与确认。多个应用共用一台主机时，5000 约为代理单核能力的一半，以免一个应用挤占其他应用。0：不限。",
});
