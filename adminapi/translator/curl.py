"""A curl line, read as a shell and curl would read it, and written.

The law: what is not such a line, or needs something only its writer's machine has, is refused with a sentence that names it;
nothing is run, opened or fetched. A shell's variables stay as they are written, since they stand for what only the writer
knows. What this module writes it reads back as the same request.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote, urlsplit

import msgspec

LINE_MOST = 32_768
"""Characters."""
ENDS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"})
"""Behind these the line is no longer curl's."""
TAKES = {
    "X": "request",
    "H": "header",
    "d": "data",
    "u": "user",
    "F": "form",
    "b": "cookie",
    "A": "user-agent",
    "e": "referer",
    "o": "output",
    "w": "write-out",
    "m": "max-time",
    "x": "proxy",
    "c": "cookie-jar",
    "E": "cert",
    "K": "config",
    "T": "upload-file",
    "r": "range",
    "y": "speed-time",
    "Y": "speed-limit",
    "z": "time-cond",
    "D": "dump-header",
}
"""Short options that take a value, and their long names."""
DATA = ("data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json")
READ = frozenset({"request", "header", "user", "form", "form-string", "url", *DATA})
UNHEARD = frozenset({"cookie", "user-agent", "referer", "output", "write-out", "max-time", "proxy", "cookie-jar"})
UNHEARD |= frozenset({"cert", "key", "cacert", "connect-timeout", "retry", "retry-delay", "resolve", "connect-to", "range"})
UNHEARD |= frozenset({"max-redirs", "limit-rate", "dump-header", "interface", "speed-time", "speed-limit", "time-cond"})
UNHEARD |= frozenset({"oauth2-bearer", "stderr", "trace", "trace-ascii", "proxy-user", "ciphers"})
"""Long options whose value changes nothing here."""
SHORT_FLAGS = frozenset("sSvikLfgNjn0#46OJaRqB")
FLAGS = frozenset({"silent", "show-error", "verbose", "include", "insecure", "location", "fail", "globoff", "compressed"})
FLAGS |= frozenset({"no-buffer", "http1.0", "http1.1", "http2", "progress-bar", "fail-with-body", "path-as-is", "ipv4"})
FLAGS |= frozenset({"ipv6", "tlsv1", "tlsv1.2", "no-progress-meter", "raw", "basic", "location-trusted", "no-keepalive"})
LITERAL = "\ue000"
"""Stands for a dollar that is none of a variable's, where it would read as one: in single quotes, or behind a backslash."""
SPACE = re.compile(r"(?:[ \t\n]|\\[ \t]*\n)+")
"""Between words; also where a backslash joins two lines."""
VARIABLE = re.compile(r"(\$[A-Z][A-Z0-9_]*)")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "?": "?", "a": "\a", "b": "\b", "f": "\f"}


class NotCurl(Exception):
    """The sentence that says what is wrong, in English and in Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.note = (english, chinese)


class File(msgspec.Struct, frozen=True):
    """A part of a multipart body that is a file."""

    field: str
    name: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the line sends."""

    method: str
    path: str
    """As it stands in the URL, quoted."""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    files: tuple[File, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    """The other fields of a multipart body."""
    host: str = ""

    def plain(self) -> Request:
        """With every dollar as it is sent."""
        text = msgspec.json.encode(self).decode().replace(LITERAL, "$")
        return msgspec.json.decode(text, type=Request)

    def header(self, name: str) -> str:
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")


def read(line: str) -> Request:
    """The request. NotCurl."""
    if len(line) > LINE_MOST:
        raise NotCurl(
            f"The line has {len(line)} characters, {LINE_MOST} are read.",
            f"内容有 {len(line)} 个字符，最多 {LINE_MOST} 个。",
        )
    words = list(split(line))
    if not words:
        raise NotCurl("Paste a curl line.", "请粘贴一条 curl 命令。")
    if words[0] in ("$", "#", "%", ">"):
        words = words[1:]
    if not words or words[0].rpartition("/")[2].lower().removesuffix(".exe") != "curl":
        first = words[0][:40] if words else line.strip()[:40]
        raise NotCurl(
            f"This is no curl line: it begins with {first!r}, not with curl.",
            f"这不是 curl 命令：开头是 {first!r}，而不是 curl。",
        )
    return request_of(list(options(words[1:])))


def split(line: str) -> Iterator[str]:
    """The words of a command, as a POSIX shell splits them; of cmd.exe's form too, if lines end with a caret."""
    line = line.replace("\r\n", "\n")
    if (re.search(r"\^[ \t]*\n", line) and not re.search(r"\\[ \t]*\n", line)) or re.match(r'\s*curl(\.exe)?\s+\^"', line):
        line = re.sub(r"\^(.)", r"\1", re.sub(r"\^[ \t]*\n", " ", line))
    at, word, begun = 0, "", False
    while at < len(line):
        letter = line[at]
        space = SPACE.match(line, at)
        if space is not None:
            if begun:
                yield word
            word, begun, at = "", False, space.end()
            continue
        if letter in "'\"" or (letter == "$" and line[at + 1 : at + 2] == "'"):
            quoted, at = quotation(line, at)
            word += quoted
        elif letter == "\\" and at + 1 < len(line):
            word, at = word + (LITERAL if literal(line, at + 1) else line[at + 1]), at + 2
        elif letter in "|;&<>" and not begun:
            return
        elif letter in "|;" or (letter == "&" and line[at + 1 : at + 2] in ("&", "")):
            yield word
            return
        else:
            word, at = word + letter, at + 1
        begun = True
    if begun:
        yield word


def quotation(line: str, at: int) -> tuple[str, int]:
    """What a quotation that begins here says, and where it has ended."""
    mark = line[at]
    if mark == "'":
        end = line.find("'", at + 1)
        if end < 0:
            raise unclosed("'")
        return literally(line[at + 1 : end]), end + 1
    ansi = mark == "$"
    at, said, closing = at + (2 if ansi else 1), "", "'" if ansi else '"'
    while at < len(line):
        letter = line[at]
        if letter == closing:
            return said, at + 1
        if letter == "\\" and at + 1 < len(line):
            if ansi:
                more, at = escaped(line, at + 1)
                said += more
                continue
            following = line[at + 1]
            if literal(line, at + 1):
                following = LITERAL
            said += following if following in f'"\\`${LITERAL}' else "" if following == "\n" else "\\" + following
            at += 2
            continue
        said, at = said + (LITERAL if ansi and literal(line, at) else letter), at + 1
    raise unclosed(closing)


def literal(line: str, at: int) -> bool:
    """Whether a variable would begin here."""
    return VARIABLE.match(line, at) is not None


def literally(text: str) -> str:
    return VARIABLE.sub(lambda found: LITERAL + found[0][1:], text)


def unclosed(mark: str) -> NotCurl:
    return NotCurl(f"A quotation mark {mark} is opened and not closed.", f"引号 {mark} 没有闭合。")


def escaped(line: str, at: int) -> tuple[str, int]:
    """An escape of `$'...'`."""
    letter = line[at]
    for mark, digits in (("x", 2), ("u", 4), ("U", 8)):
        found = re.compile(rf"{mark}([0-9a-fA-F]{{1,{digits}}})").match(line, at)
        if found:
            return chr(min(int(found[1], 16), 0x10FFFF)), found.end()
    return ESCAPES.get(letter, "\\" + letter), at + 1


def options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(long name, value), `url` for what is no option. NotCurl."""
    waiting = iter(words)
    for word in waiting:
        if word in ENDS:
            return
        if word == "curl":
            raise NotCurl("There are two curl lines; paste one at a time.", "这里有两条 curl 命令，请一次粘贴一条。")
        if word.startswith("--") and len(word) > 2:
            name = word[2:]
            if name in READ or name in UNHEARD:
                yield name, value_for(word, waiting)
            elif name in ("get", "head") or name in FLAGS:
                yield name, ""
            elif name == "upload-file" or name == "config":
                raise elsewhere(word)
            else:
                raise NotCurl(
                    f"The option {word[:40]} is not known here; leave it out.", f"不认识选项 {word[:40]}，请去掉。"
                )
        elif word.startswith("-") and len(word) > 1:
            yield from short_options(word, waiting)
        else:
            yield "url", word


def short_options(word: str, waiting: Iterator[str]) -> Iterator[tuple[str, str]]:
    for at, letter in enumerate(word[1:], 1):
        if letter in "TK":
            raise elsewhere(f"-{letter}")
        if letter in TAKES:
            rest = word[at + 1 :]
            yield TAKES[letter], rest or value_for(f"-{letter}", waiting)
            return
        if letter in "GI":
            yield ("get" if letter == "G" else "head"), ""
        elif letter not in SHORT_FLAGS:
            raise NotCurl(
                f"The option -{letter} of {word[:40]!r} is not known here; leave it out.",
                f"不认识 {word[:40]!r} 中的选项 -{letter}，请去掉。",
            )


def value_for(option: str, waiting: Iterator[str]) -> str:
    value = next(waiting, None)
    if value is None:
        raise NotCurl(f"The option {option} has no value.", f"选项 {option} 缺少值。")
    return value


def elsewhere(option: str) -> NotCurl:
    return NotCurl(
        f"{option} reads a file that only your machine has; paste its content with -d.",
        f"{option} 读取的文件只在您的机器上，请用 -d 粘贴其内容。",
    )


def request_of(given: Sequence[tuple[str, str]]) -> Request:
    method, urls, headers, data, files, texts = "", [], [], [], [], []
    names = {name for name, _ in given}
    for name, value in given:
        if name == "request":
            method = value.upper()
        elif name == "url":
            urls.append(value)
        elif name == "header":
            field, colon, content = value.partition(":")
            if colon and content.strip():
                headers.append((field.strip(), content.strip()))
        elif name == "user":
            headers.append(("Authorization", "Basic " + base64.b64encode(value.encode()).decode()))
        elif name == "oauth2-bearer":
            headers.append(("Authorization", f"Bearer {value}"))
        elif name in DATA:
            data.append(said(name, value))
        elif name in ("form", "form-string"):
            field, _, content = value.partition("=")
            if content.startswith("@") and name == "form":
                files.append(File(field, content[1:].partition(";")[0]))
            else:
                texts.append((field, content))
    if not urls:
        raise NotCurl("The line names no URL.", "命令中没有 URL。")
    if len(urls) > 1:
        raise NotCurl(
            f"The line names two URLs, {urls[0][:60]} and {urls[1][:60]}; is there a quotation mark missing?",
            f"命令中有两个 URL：{urls[0][:60]} 和 {urls[1][:60]}，是否少了引号？",
        )
    host, path, query = parts_of(urls[0])
    body = ("" if "json" in names else "&").join(data)
    if "get" in names and data:
        query, body = "&".join(part for part in (query, body) if part), ""
    sends = bool(data) and "get" not in names
    if not method:
        method = "HEAD" if "head" in names else "POST" if sends or files or texts else "GET"
    if "json" in names:
        headers += [("Content-Type", "application/json"), ("Accept", "application/json")]
    return Request(
        method=method,
        path=path,
        query=query,
        headers=tuple(headers),
        body=body,
        files=tuple(files),
        texts=tuple(texts),
        host=host,
    )


def said(option: str, value: str) -> str:
    """The data of one option."""
    if option == "data-urlencode":
        name, equals, content = value.partition("=")
        if not equals:
            if "@" in value:
                raise elsewhere(f"--{option} {value[:40]}")
            return quote(value)
        return f"{name}={quote(content)}" if name else quote(content)
    if value.startswith("@") and option != "data-raw":
        raise elsewhere(f"--{option} {value[:40]}")
    return value


def parts_of(url: str) -> tuple[str, str, str]:
    """Host, path and query, also of what a shell's or a document's placeholder begins."""
    rest = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", url).partition("#")[0]
    place, mark, query = rest.partition("?")
    host, slash, path = place.partition("/")
    if not slash:
        raise NotCurl(f"The URL {url[:80]} has no path.", f"URL {url[:80]} 没有路径。")
    return host, "/" + path, query if mark else ""


def segments(path: str) -> list[str]:
    """Of a path, unquoted; a slash at the end is not one."""
    return [unquote(each) for each in path.strip("/").split("/")] if path.strip("/") else []


def host_of(url: str) -> str:
    return urlsplit(url).netloc


def quoted(text: str) -> str:
    """As one word of a POSIX shell, in which `$NAME` is still a variable."""
    pieces = VARIABLE.split(text)
    if len(pieces) == 1:
        return text if re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", text) else singly(text)
    if not re.search(rf"[\"\\`!{LITERAL}]|\$(?![A-Z])", text):
        return f'"{text}"'
    # A variable inside of JSON: out of the single quotes, into double ones.
    return "".join(f'"{piece}"' if at % 2 else singly(piece) for at, piece in enumerate(pieces) if piece)


def singly(text: str) -> str:
    return "'" + text.replace("'", "'\\''").replace(LITERAL, "$") + "'"


def write(request: Request, base_url: str) -> str:
    """The line that sends this, one option a line."""
    url = base_url + request.path + (f"?{request.query}" if request.query else "")
    implied = "POST" if request.body or request.files else "GET"
    first = "curl " + (f"-X {request.method} " if request.method != implied else "") + quoted(url)
    lines = [first]
    for name, value in request.headers:
        scheme, _, code = value.partition(" ")
        if name.lower() == "authorization" and scheme == "Basic":
            lines.append("-u " + quoted(base64.b64decode(code).decode()))
        else:
            lines.append("-H " + quoted(f"{name}: {value}"))
    lines += [f"-F {quoted(f'{file.field}=@{file.name}')}" for file in request.files]
    if request.body:
        lines.append(("--data-raw " if request.body.startswith("@") else "-d ") + quoted(request.body))
    return " \\\n  ".join(lines)
