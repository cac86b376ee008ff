"""Thumbnails: what becomes one, what is left alone, what is refused, and that a picture cannot cost more than its bound."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
import trio
from PIL import Image

from adminapi import thumbnails
from adminapi.files import Files
from adminapi.thumbnails import MOST_PIXELS, Thumbnails, shrink
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP


def picture(format: str, size: tuple[int, int] = (400, 200), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise(size, 50).convert(mode)
    if mode == "LA":
        image.putalpha(100)
    image.save(out, format, **options)
    return out.getvalue()


def stored(folder: Path, data: bytes) -> Path:
    path = folder / ".upload.part"
    path.write_bytes(data)
    return path


def opened(made: tuple[bytes, str] | None) -> Image.Image:
    assert made is not None
    return Image.open(io.BytesIO(made[0]))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("format", "mode", "extension"),
    [
        ("JPEG", "RGB", "jpg"),
        ("JPEG", "L", "jpg"),
        ("JPEG", "CMYK", "jpg"),
        ("PNG", "RGB", "jpg"),
        ("PNG", "RGBA", "png"),
        ("PNG", "LA", "png"),
        ("PNG", "P", "jpg"),
        ("PNG", "1", "jpg"),
        ("GIF", "P", "jpg"),
        ("WEBP", "RGB", "jpg"),
        ("WEBP", "LA", "png"),
        ("BMP", "RGB", "jpg"),
    ],
)
def test_pictures_become_at_most_128_by_128(folder: Path, format: str, mode: str, extension: str) -> None:
    made = shrink(stored(folder, picture(format, mode=mode)))
    small = opened(made)
    assert small.size == (128, 64)
    assert made is not None
    assert made[1] == extension
    assert small.format == {"jpg": "JPEG", "png": "PNG"}[extension]


def test_a_small_picture_is_not_made_larger(folder: Path) -> None:
    assert opened(shrink(stored(folder, picture("PNG", (10, 20))))).size == (10, 20)


def test_a_picture_stands_as_its_camera_was_held(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    small = opened(shrink(stored(folder, picture("JPEG", exif=exif.tobytes()))))
    assert small.size == (64, 128)
    assert 0x0112 not in small.getexif()


def test_a_transparent_gif_stays_transparent(folder: Path) -> None:
    assert opened(shrink(stored(folder, picture("GIF", mode="P", transparency=0)))).mode == "RGBA"


def test_sixteen_bits_a_sample(folder: Path) -> None:
    rows = b"".join(b"\0" + bytes(400 * 2) for _ in range(200))
    assert opened(shrink(stored(folder, png(400, 200, 16, 0, rows)))).size == (128, 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"%PDF-1.4",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        picture("TIFF"),
        picture("ICO", (64, 64)),
    ],
)
def test_what_is_no_picture_we_read_has_no_thumbnail(folder: Path, data: bytes) -> None:
    assert shrink(stored(folder, data)) is None


@pytest.mark.parametrize(
    "data",
    [
        picture("JPEG")[:2000],
        picture("PNG")[:2000],
        picture("WEBP")[:2000],
        picture("BMP")[:2000],
        png(400, 200, 8, 2, b"\0\0\0"),
    ],
)
def test_a_broken_picture_is_refused(folder: Path, data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        shrink(stored(folder, data))
    assert caught.value.reason is Reason.BAD_FILE


@pytest.mark.parametrize("pixels", [MOST_PIXELS + 8000, MOST_PIXELS * 2 + 8000, 20_000 * 20_000])
def test_a_bomb_is_left_alone_undecoded(folder: Path, pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    assert shrink(stored(folder, png(8000, pixels // 8000, 8, 2, b""))) is None


def test_a_file_too_large_to_be_a_picture_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(folder, picture("WEBP"))
    monkeypatch.setattr(thumbnails, "MOST_BYTES", path.stat().st_size - 1)
    assert shrink(path) is None


def test_a_gif_whose_frame_outgrows_its_screen_is_left_alone(folder: Path) -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\x00;"
    assert shrink(stored(folder, screen + frame)) is None


async def test_two_at_a_time_and_nobody_waits_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that does not end holds its place; those behind it go on without a thumbnail."""
    release, inside = threading.Event(), []

    def slow(path: Path) -> tuple[bytes, str]:
        inside.append(path)
        release.wait(10)
        return b"", "jpg"

    monkeypatch.setattr(thumbnails, "shrink", slow)
    monkeypatch.setattr(thumbnails, "SECONDS", 0.2)
    maker, made = Thumbnails(), []

    async def one() -> None:
        made.append(await maker.make(folder))

    try:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(one)
        assert made == [None] * 5
        assert len(inside) == 2
    finally:
        release.set()
    monkeypatch.setattr(thumbnails, "SECONDS", 5.0)
    assert await maker.make(folder) == (b"", "jpg")


async def test_what_is_not_kept_goes_with_its_thumbnail(folder: Path) -> None:
    files = Files(folder / "files", free_bytes=0)
    for keep in (False, True):
        incoming = await files.begin(APP, "http://h", field="attachment", name="me.png", type="image/png")
        await incoming.write(picture("PNG"))
        small = await incoming.thumbnail()
        assert small is not None
        if keep:
            urls = [await incoming.keep(), await small.keep()]
            assert [url.rpartition(".")[2] for url in urls] == ["png", "jpg"]
        await incoming.discard()
        left = sorted(path.suffix for path in (folder / "files" / APP.id).iterdir())
        assert left == ([".jpg", ".png"] if keep else [])
