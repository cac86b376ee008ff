"""A curl line is read as a shell and curl would, and what is written reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adminapi.translator import curl
from adminapi.translator.curl import LITERAL, File, NotCurl, Request, read, write
from tests.adminapi.translator.examples import BASE, lines

JSON = '{"client_ids":["Tom"]}'


@pytest.mark.parametrize(
    "line",
    [
        f"curl -X POST -H 'app-id: 1' -d '{JSON}' http://h/im/conversations/c/members",
        f"$ curl --request POST --header 'app-id: 1' --data-raw '{JSON}' --url http://h/im/conversations/c/members",
        f'curl -sSXPOST -H"app-id:1" -d "{JSON}" http://h/im/conversations/c/members'.replace('{"', '{\\"')
        .replace('":["', '\\":[\\"')
        .replace('"]}', '\\"]}'),
        f"curl \\\n  -X POST \\\n  -H 'app-id: 1' \\\n  --data-binary '{JSON}' \\\n  'http://h/im/conversations/c/members'\n",
        f"curl http://h/im/conversations/c/members -H $'app-id: 1' --data $'{JSON}' --compressed",
        'curl ^\r\n  "http://h/im/conversations/c/members" ^\r\n  -H "app-id: 1" ^\r\n  -d "{\\"client_ids\\":[\\"Tom\\"]}"',
        'curl ^"http://h/im/conversations/c/members^" ^\n  -H ^"app-id: 1^" ^\n'
        '  -d ^"{^\\^"client_ids^\\^":[^\\^"Tom^\\^"]}^"',
        f"curl -b 'a=b' -A x -o /dev/null -w '%{{x}}' -kL -H 'app-id: 1' -d '{JSON}' h/im/conversations/c/members|jq",
        f"curl -H 'app-id: 1' --data-ascii '{JSON}' '{{{{host}}}}/im/conversations/c/members'",
    ],
)
def test_one_request_in_many_spellings(line: str) -> None:
    found = read(line)
    assert (found.method, found.path, found.body) == ("POST", "/im/conversations/c/members", JSON)
    assert found.header("App-Id") == "1"


def test_get_moves_the_data_to_the_query() -> None:
    """MUX-11, MUX-13."""
    found = read("curl -G --data-urlencode 'where=[[\"a\",\"=\",1]]' -d page=2 'http://h/im/conversations?x=1'")
    assert (found.method, found.body) == ("GET", "")
    assert found.query == "x=1&where=%5B%5B%22a%22%2C%22%3D%22%2C1%5D%5D&page=2"
    assert read("curl -X POST -G -d 'where=[]' h/im/conversations").method == "POST"


def test_what_options_say_of_headers_and_bodies() -> None:
    basic = read("curl -u app:key --json '{}' h/v1/users")
    assert basic.header("authorization") == "Basic YXBwOmtleQ=="
    assert basic.header("content-type") == "application/json"
    assert (basic.method, basic.body) == ("POST", "{}")
    form = read("curl -F 'file=@photos/a b.png;type=image/png' -F name=x h/im/file/upload")
    assert (form.method, form.files, form.texts) == ("POST", (File("file", "photos/a b.png"),), (("name", "x"),))
    assert read("curl -d a=1 -d b=2 h/x").body == "a=1&b=2"
    assert read("curl -I h/x").method == "HEAD"
    assert read("curl -H 'X-Empty:' h/x").headers == ()


@pytest.mark.parametrize(
    ("word", "said", "written"),
    [
        ("'$HOME'", "$HOME", "'$HOME'"),
        ('"$HOME"', "$HOME", '"$HOME"'),
        ("\\$HOME", "$HOME", "'$HOME'"),
        ('"\\$HOME $KEY"', "$HOME $KEY", "'$HOME '\"$KEY\""),
        ("$'\\x24 $HOME'", "$ $HOME", "'$ $HOME'"),
        ('\'{"$in": 1}\'"$KEY"', '{"$in": 1}$KEY', '\'{"$in": 1}\'"$KEY"'),
    ],
)
def test_a_variable_stays_one_and_a_dollar_stays_a_dollar(word: str, said: str, written: str) -> None:
    found = read(f"curl h/x -d {word}")
    assert found.plain().body == said
    assert write(found, "").endswith(f"-d {written}")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("", "Paste a curl line."),
        ("GET /im/conversations", "This is no curl line: it begins with 'GET', not with curl."),
        ("curl -H 'app-id: 1", "A quotation mark ' is opened and not closed."),
        ('curl -d "x', 'A quotation mark " is opened and not closed.'),
        ("curl -X POST", "The line names no URL."),
        ("curl -X", "The option -X has no value."),
        ("curl h/a h/b", "The line names two URLs, h/a and h/b; is there a quotation mark missing?"),
        ("curl h/a\ncurl h/b", "There are two curl lines; paste one at a time."),
        ("curl h", "The URL h has no path."),
        ("curl --frobnicate h/a", "The option --frobnicate is not known here; leave it out."),
        ("curl -sQ h/a", "The option -Q of '-sQ' is not known here; leave it out."),
        ("curl -d @body.json h/a", "--data @body.json reads a file that only your machine has; paste its content with -d."),
        ("curl -T x h/a", "-T reads a file that only your machine has; paste its content with -d."),
        ("curl h/" + "a" * 70_000, "The line has 70007 characters, 32768 are read."),
    ],
)
def test_what_is_no_such_line_is_told_by_what_is_wrong(line: str, wrong: str) -> None:
    with pytest.raises(NotCurl) as caught:
        read(line)
    assert caught.value.note[0] == wrong
    assert caught.value.note[1]


def test_what_is_written_reads_back() -> None:
    for _, line in lines():
        assert write(read(line), BASE) == line


@given(
    body=st.text(st.characters(exclude_categories=("Cs",), exclude_characters=f"\x00\r{LITERAL}"), max_size=60),
    value=st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=30),
)
def test_any_text_survives_being_written(body: str, value: str) -> None:
    headers = (("X-Any", value.strip()),) if value.strip() else ()
    request = Request(method="PUT", path="/x", headers=headers, body=body, host="h")
    assert read(write(request, "http://h")) == request


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_read_or_refused(line: str) -> None:
    for text in (line, "curl " + line):
        try:
            found, note = curl.read(text), ("", "")
        except NotCurl as wrong:
            found, note = None, wrong.note
        assert found is not None or all(note)
