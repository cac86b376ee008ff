"""What our own API says of the installation as a whole: whether it is well, what happens, who did what, who is asking."""

from __future__ import annotations

from adminapi.dialects.parley.schemas.common import TIME_MS
from adminapi.schemas import array, boolean, constant, integer, nullable, number, obj, sent, text

HEALTH = obj({"alive": constant(True)})
READY = obj({"ready": constant(True)}, {"warnings": array(text("What does not work just now."), most=3)})
NOT_READY = obj({"ready": constant(False), "reason": text()})
METRICS = text("Prometheus text.")
WATERMARK = obj(
    {
        "accepted": integer("The newest commit that was decided.", least=0),
        "durable": integer("The newest commit that is on disk.", least=0),
        "targets": array(
            obj(
                {
                    "target": text("The store's name.", example="sqlite"),
                    "applied": integer("The newest commit that is in it.", least=0),
                    "oldest_unapplied_ms": integer("How long the oldest row it lacks has waited; 0: none.", least=0),
                }
            )
        ),
        "oldest_unapplied_ms": integer("The longest of all targets.", least=0),
    }
)
ROLES = ("viewer", "support", "admin")
SIGN_IN = sent(
    {"name": text(least=1, most=64, example="ann"), "password": text(least=1, most=1024, example="correct horse")}
)
EXPIRES = nullable(integer("When the session is over, in Unix milliseconds; null: never.", least=0))
ME = obj(
    {
        "name": text("The operator's; of a master key its app's id."),
        "role": text(among=ROLES),
        "expires_ms": EXPIRES,
        "app": nullable(text("The only app this key is for; null: all.")),
    }
)
SIGNED_IN = obj({"token": text("For `Authorization: Bearer`; shown once."), **ME["properties"]})
NOTHING = obj({})
PER_SECOND = "What happened a second, in the time since the sample before."
SAMPLE = obj(
    {
        "at_ms": TIME_MS,
        "sessions": integer(least=0),
        "messages_per_s": number(PER_SECOND),
        "deliveries_per_s": number(PER_SECOND),
        "commit_p50_ms": number("Half of the commits were on disk within so long; 0: there were none."),
        "commit_p99_ms": number("99 of 100 were."),
        "backlog_commits": integer("Commits that are on the journal and not in every store.", least=0),
        "errors_per_s": number("Requests refused, for whatever reason."),
    }
)
HOUR = obj({"samples": array(SAMPLE, "Of 5 seconds each, the oldest first.", most=720)})
NOW = obj({"now": SAMPLE})
CHECK = obj(
    {
        "name": text(),
        "ok": boolean(),
        "text": text(),
        "advice": text("What to do; empty: nothing."),
        "words": text("The text with `{gaps}` for `values`, to be said in another language."),
        "advice_words": text("The advice, likewise."),
        "values": obj({}, rest=text()),
    }
)
REFUSED_ROW = obj(
    {
        "target": text("The store that refused it."),
        "app": text(),
        "table": text(),
        "key": text("JSON."),
        "error": text(),
        "at_ms": TIME_MS,
    }
)
INSTALLATION = obj(
    {
        "checks": array(CHECK),
        "store": nullable(
            obj(
                {
                    "targets": array(
                        obj(
                            {
                                "target": text("The store's name.", example="sqlite"),
                                "applied": integer("The newest commit that is in it.", least=0),
                                "behind": integer("Commits that are on the journal and not in it.", least=0),
                                "oldest_unapplied_ms": integer(least=0),
                            }
                        )
                    )
                }
            )
        ),
        "journal": nullable(
            obj(
                {
                    "accepted": integer("The newest commit that was decided.", least=0),
                    "durable": integer("The newest commit that is on the disk.", least=0),
                    "bytes": integer(least=0),
                    "takes": boolean("What has to be kept is taken; else the disk is full or a store too far behind."),
                }
            )
        ),
        "quarantine": nullable(array(REFUSED_ROW, "Rows a store refused, served all the same; oldest first.", most=100)),
        "quarantine_total": nullable(integer(least=0)),
    }
)
AUDIT_MOST = 500
AUDIT_ASKED = obj(
    {},
    {
        "app": text("Of this app only.", most=256),
        "user": text("By this user or operator, or about this user.", most=256),
        "limit": integer(least=1, most=AUDIT_MOST, default=100),
        "before": integer("Only lines before this number: `next` of the page before.", least=1),
    },
)
AUDIT_LINE = obj(
    {
        "n": integer("The line's number.", least=1),
        "time": text("UTC."),
        "app": text(),
        "user": text("Where it was a user's own token."),
        "operator": text("Where an operator had signed in."),
        "proof": text("What kind of key or token it was."),
        "from": text("The address, or the uid on the server."),
        "dialect": text(),
        "method": text(),
        "path": text("Of the request; of the command line the command."),
        "commands": array(text()),
        "outcome": text("The HTTP status, or the reason of the refusal."),
    }
)
AUDIT = obj({"lines": array(AUDIT_LINE, most=AUDIT_MOST), "next": nullable(integer(least=1))})
