"""Uploads: ML-44."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.adminapi.dialects.maxleap.conftest import OURS, World


def picture(format: str = "PNG", size: tuple[int, int] = (200, 100)) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 20).convert("RGB").save(out, format)
    return out.getvalue()


def stored(world: World) -> list[Path]:
    return sorted(world.files.root.rglob("*.*"))


def upload(data: bytes, name: str = "a.bin", field: str = "attachment") -> dict[str, Any]:
    return {"files": {field: (name, data)}}


async def fetch(world: World, url: str) -> Any:
    answer = await world.client.get(url)
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize(("name", "type"), [("a.txt", "application/octet-stream"), ("a.mp3", "audio/mpeg")])
async def test_a_file_is_one_url(world: World, name: str, type: str) -> None:
    urls = await world.does("POST", "/attachment", 200, **upload(b"hello", name))
    assert len(urls) == 1
    assert urlsplit(urls[0]).netloc == world.host
    answer = await fetch(world, urls[0])
    assert (answer.content, answer.headers["content-type"]) == (b"hello", type)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
async def test_a_picture_has_a_thumbnail_whatever_it_is_called(world: World, format: str) -> None:
    data = picture(format)
    for name in (f"a.{format.lower()}", "nameless"):
        original, thumbnail = await world.does("POST", "/attachment", 200, **upload(data, name))
        assert (await fetch(world, original)).content == data
        answer = await fetch(world, thumbnail)
        assert answer.headers["content-type"].startswith("image/")
        assert Image.open(io.BytesIO(answer.content)).size == (128, 64)


async def test_a_broken_picture_is_5007_and_leaves_nothing(world: World) -> None:
    assert await world.refused("POST", "/attachment", **upload(picture()[:2000], "a.png")) == (400, 5007)
    assert stored(world) == []


async def test_what_only_calls_itself_a_picture_is_a_file(world: World) -> None:
    for data in (b"hello", b"<svg/>"):
        assert len(await world.does("POST", "/attachment", 200, **upload(data, "a.png"))) == 1


async def test_a_file_over_the_apps_limit_is_5011_and_leaves_nothing(world: World) -> None:
    most = OURS.settings.file_bytes
    assert len(await world.does("POST", "/attachment", 200, **upload(b"x" * most))) == 1
    for size in (most + 1, 1_000_000):
        for path in ("/attachment", "/attachment/"):
            assert await world.refused("POST", path, **upload(b"x" * size)) == (413, 5011)
    assert len(stored(world)) == 1


async def test_a_full_disk_is_5006(world: World) -> None:
    world.files.free_bytes = 1 << 62
    answer = await world.call("POST", "/attachment", **upload(b"hello"))
    assert (answer.status_code, answer.json()["errorCode"]) == (503, 5006)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (upload(b"hello", field="file"), (400, 5001)),
        ({"data": {"attachment": "text"}, "files": {"file": ("a", b"x")}}, (400, 5001)),
        (upload(b""), (400, 5012)),
        ({"json": {"attachment": "x"}}, (400, 5012)),
        ({}, (400, 5012)),
    ],
)
async def test_what_is_no_upload(world: World, more: dict[str, Any], expected: tuple[int, int]) -> None:
    assert await world.refused("POST", "/attachment", **more) == expected
    assert stored(world) == []


async def test_mux12_two_semicolons(world: World) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="attachment"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    headers = {"X-ML-AppId": OURS.id, "X-ML-APIKey": OURS.key, "Content-Type": "multipart/form-data;; boundary=b"}
    answer = await world.client.post("/attachment", content=body, headers=headers)
    assert len(answer.json()) == 1


async def test_a_stranger_stores_nothing(world: World) -> None:
    assert await world.refused("POST", "/attachment", headers={"X-ML-AppId": OURS.id}, **upload(b"x")) == (401, 5003)
    assert stored(world) == []
