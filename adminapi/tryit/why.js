// Why a window has no session, in words. The law: what the server said, its code and its word, stands beside them, so that a reason
// which has no words here is told all the same.

import { t } from "/-/look/words.js";

// By the word of a farewell or of a close code.
const ENDED = {
  logout: "This session has logged out.",
  replaced: "This account has logged in again on the same device.",
  kicked: "An operator has ended this session.",
  banned: "This account is banned.",
  deleted: "This account was deleted.",
  bad_login: "The login was refused.",
  slow: "This window took too little of what was sent to it.",
  going_away: "The server is restarting.",
  overloaded: "The server has too much to do just now.",
  login_timeout: "The login took too long.",
  too_fast: "This window sent more than it may.",
  idle: "Nothing was heard of this window for too long.",
  internal: "The server failed; its log says why.",
};
// By the error code of a login.
const REFUSED = {
  1: "The server failed; its log says why.",
  211: "There is no such user, or no more.",
  212: "This cannot be the id of a user.",
  213: "This account is banned.",
  214: "The password is wrong.",
  4002: "There is no such app.",
  4004: "The token or password is missing, wrong or out of date.",
  4010: "This account was taken over too often within a minute; who has it now keeps it for a while.",
  4029: "This window sent more than it may.",
  4030: "The login is too large.",
  5030: "The server cannot write to its disk just now.",
  5031: "The server has too much to do just now.",
  5033: "The server is restarting.",
};
const LOST = 1006; // there is no close code: nobody was there to give one, or to take one
const AWAY = "The server cannot be reached, or takes no more connections from here just now.";

// `lost`: data of client.offline or client.ended; `kick`: the farewell before it, if there was one.
export function why({ code, reason, refused }, kick) {
  const words = ENDED[kick?.reason ?? reason] ?? (code === LOST && AWAY);
  const known = refused ? REFUSED[refused] : words;
  const theirs = kick?.text && t("Their words: “{text}”.", { text: kick.text });
  const said = refused
    ? t("The login was refused: {reason} (code {refused}).", { reason, refused })
    : t("Close code {code}, {reason}.", { code, reason });
  return [known && t(known), theirs, said].filter(Boolean).reduce((one, more) => t("{one} {more}", { one, more }));
}

// What becomes of it where parley.js does not try again by itself.
export function final({ code }) {
  if (code === LOST) return t("Where nobody has answered yet, parley.js does not try again by itself.");
  return t("Codes from 4000 to 4499 are final: parley.js does not come back by itself.");
}

export function tryingAgain(at) {
  const left = Math.ceil((at - Date.now()) / 1000);
  return left > 0 ? t("It tries again by itself in {n} s.", { n: left }) : t("It tries again now…");
}
