// Lines to click, one of each dialect, as people have them in their files: every spelling of curl, hosts of their own.

const lines = (...parts) => parts.join(" \\\n  ");
const CONVERSATION = "0e7ae8d24e2658e7fb4ecdfbb409249d";

export const EXAMPLES = [
  ["Native", "Send a message", lines(
    `curl -X POST https://im.example.com/im/conversations/${CONVERSATION}/message`,
    "-H 'app-id: 666666'",
    "-H 'app-key: $APP_KEY'",
    `-d '{"from_client": "Tom", "type": -1, "text": "Hello!"}'`,
  )],
  ["JMessage", "Register users", lines(
    "curl --insecure -X POST https://api.im.jpush.cn/v1/users/",
    '-u "$APP_ID:$MASTER_SECRET"',
    "-H 'Content-Type: application/json'",
    `--data-raw '[{"username": "dev_fang", "password": "password", "nickname": "Fang"}]'`,
  )],
  ["LeanCloud", "Create a conversation", lines(
    "curl -X POST",
    '-H "X-LC-Id: {{appid}}"',
    '-H "X-LC-Key: {{masterkey}},master"',
    '-H "Content-Type: application/json"',
    `-d '{"name": "My First Conversation", "m": ["BillGates", "SteveJobs"]}'`,
    "--url https://api.leancloud.cn/1.2/rtm/conversations",
  )],
  ["Hisihi", "Remove a member", lines("curl -X DELETE http://hisihi.example.com/v1/im/group/13579/member/c565?uid=o12")],
  ["MaxLeap", "Tell everybody", lines(
    "curl -X POST",
    '-H "X-ML-AppId: 56a86320e9db7300015438f7"',
    '-H "X-ML-Request-Sign: $SIGN"',
    '-H "Content-Type: application/json"',
    `-d '{"content": {"media": 0, "body": "hello all!"}}'`,
    "--url http://im.maxleap.cn/system",
  )],
  ["Parley", "Kick a user", lines(
    "curl -X POST http://127.0.0.1:7780/-/api/apps/666666/users/tom/kick",
    '-H "Authorization: Bearer $TOKEN"',
    `--json '{"reason": "enough"}'`,
  )],
];
