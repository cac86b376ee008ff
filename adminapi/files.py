"""Uploaded files: the only thing adminapi owns (DESIGN 6). One folder an app, one random name a file.

The law: a name is 128 random bits and a checked extension, so knowing a URL is the right to read it and no name of a
caller's ever becomes a path; a file appears under its name only when it is whole and on the disk (write aside, sync,
rename). What browsers could run is never served as itself: only pictures, sound and video go out under their own type,
all else as a download, everything with `nosniff` and a sandbox.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import trio

from adminapi.thumbnails import Thumbnails
from protocol.apps import App
from protocol.errors import Reason, Refused

log = logging.getLogger("adminapi.files")

FREE_BYTES = 256 * 1_048_576
"""Below so much free disk no upload is taken, as in the broker (DESIGN 2.3)."""
WRITE_BYTES = 262_144
"""Handed to the disk in pieces of this size, so a trip to a thread is rare."""
PART_SECONDS = 86_400
"""An unfinished file older than this belongs to nobody."""
EXPIRE_SECONDS = 3600

SHOWN = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "amr": "audio/amr",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "3gp": "video/3gpp",
}
"""Extensions served under their own type; SVG is a document that runs, so it is not among them."""

NAME = re.compile(r"[0-9a-f]{32}(\.[a-z0-9]{1,10})?")
FOLDER = re.compile(r"[A-Za-z0-9_-]{1,64}|~[0-9a-f]{32}")
EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})$")


def folder_of(app: str) -> str:
    """The app's folder, which is also how URLs name the app: its id where that is a safe name, else a digest."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", app):
        return app
    return "~" + hashlib.blake2b(app.encode(), digest_size=16).hexdigest()


class Found(msgspec.Struct, frozen=True):
    """A file to serve. `type` is its own for what is shown, else `application/octet-stream` and `download` is set."""

    path: Path
    type: str
    download: bool


class Files:
    """The folder `files` of the data directory."""

    def __init__(self, root: Path, *, free_bytes: int = FREE_BYTES) -> None:
        self.root = root
        self.free_bytes = free_bytes
        self.thumbnails = Thumbnails()

    async def begin(self, app: App, base_url: str, *, field: str, name: str, type: str) -> Incoming:
        """A new file of the app, empty. STORAGE_UNAVAILABLE while the disk is nearly full."""
        return await trio.to_thread.run_sync(self._begin, app, base_url, field, name, type)

    def _begin(self, app: App, base_url: str, field: str, name: str, type: str) -> Incoming:
        folder = self.root / folder_of(app.id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.check_space()
            extension = EXTENSION.search(name)
            final = secrets.token_hex(16) + (f".{extension[1].lower()}" if extension else "")
            part = folder / f".{final}.part"
            file = open(part, "xb")
        except OSError as error:
            raise unavailable(error) from None
        return Incoming(self, app, base_url, file, part, folder / final, field, name, type)

    def check_space(self) -> None:
        if shutil.disk_usage(self.root).free < self.free_bytes:
            detail = "The disk of this server is nearly full; nothing was stored."
            raise Refused(Reason.STORAGE_UNAVAILABLE, detail, retry_after_ms=60_000)

    def find(self, folder: str, name: str) -> Found | None:
        """The file behind a URL, None if there is none. Both parts are checked, so no path leaves the root."""
        if not FOLDER.fullmatch(folder) or not NAME.fullmatch(name):
            return None
        path = self.root / folder / name
        if path.is_symlink() or not path.is_file():
            return None
        type = SHOWN.get(name.partition(".")[2])
        return Found(path, type or "application/octet-stream", type is None)

    def expire(self, apps: Mapping[str, App], now_s: float) -> int:
        """Remove what is older than its app's `file_days`, and unfinished files a day old. How many went."""
        days = {folder_of(app.id): app.settings.file_days for app in apps.values()}
        gone = 0
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            if not FOLDER.fullmatch(folder.name) or not folder.is_dir() or folder.is_symlink():
                continue
            kept_s = days.get(folder.name, 0) * 86_400
            for path in folder.iterdir():
                lasts = PART_SECONDS if path.name.startswith(".") else kept_s
                if lasts and path.lstat().st_mtime < now_s - lasts:
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone


class Incoming:
    """A file on its way in; implements `adminapi.dialect.Upload`. Whoever began it calls `discard` at the end."""

    def __init__(
        self,
        files: Files,
        app: App,
        base_url: str,
        file: BinaryIO,
        part: Path,
        final: Path,
        field: str,
        name: str,
        type: str,
    ) -> None:
        self.field, self.name, self.type = field, name, type
        self.size = 0
        self.digest = hashlib.sha256()
        """Of what came so far."""
        self._files, self._app, self._base_url = files, app, base_url
        self._file, self._part, self._final = file, part, final
        self._gathered = bytearray()
        self._small: Incoming | None = None

    async def write(self, data: bytes) -> None:
        """TOO_LARGE beyond the app's `file_bytes`, STORAGE_UNAVAILABLE if the disk refuses."""
        self.size += len(data)
        most = self._app.settings.file_bytes
        if self.size > most:
            raise Refused(Reason.TOO_LARGE, f"The file is larger than {most} bytes, the most this app allows.")
        self.digest.update(data)
        self._gathered += data
        if len(self._gathered) >= WRITE_BYTES:
            await trio.to_thread.run_sync(self._flush)

    async def keep(self) -> str:
        """On the disk for good; the URL."""
        await trio.to_thread.run_sync(self._keep)
        return f"{self._base_url}/-/files/{self._final.parent.name}/{self._final.name}"

    async def thumbnail(self) -> Incoming | None:
        """See Upload. Before `keep`; it is discarded with this one."""
        await trio.to_thread.run_sync(self._flush)
        made = await self._files.thumbnails.make(self._part)
        if made is None or len(made[0]) > self._app.settings.file_bytes:
            return None
        name = f"thumbnail.{made[1]}"
        self._small = await self._files.begin(self._app, self._base_url, field=self.field, name=name, type=self.type)
        await self._small.write(made[0])
        return self._small

    async def discard(self) -> None:
        """Remove it unless it was kept."""
        await trio.to_thread.run_sync(self._discard)
        if self._small is not None:
            await self._small.discard()

    def _flush(self) -> None:
        try:
            self._files.check_space()
            self._file.write(self._gathered)
            self._file.flush()
        except OSError as error:
            raise unavailable(error) from None
        self._gathered.clear()

    def _keep(self) -> None:
        self._flush()
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._part, self._final)
            folder = os.open(self._final.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise unavailable(error) from None

    def _discard(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # what could not be written goes anyway
        self._part.unlink(missing_ok=True)


def unavailable(error: OSError) -> Refused:
    log.error("file not stored error=%s", error)
    detail = "The file could not be stored; nothing was kept."
    return Refused(Reason.STORAGE_UNAVAILABLE, detail, retry_after_ms=60_000)


class HasApps(Protocol):
    """Whatever mirrors the table of apps."""

    @property
    def apps(self) -> Mapping[str, App] | None: ...


async def expire_hourly(files: Files, source: HasApps) -> None:
    """Once an hour, for ever; skipped while the table of apps is not known."""
    while True:
        if source.apps is not None:
            try:
                gone = await trio.to_thread.run_sync(files.expire, source.apps, time.time())
            except OSError as error:
                log.error("expiry failed error=%s", error)
            else:
                if gone:
                    log.info("expired files=%d", gone)
            await trio.sleep(EXPIRE_SECONDS)
        else:
            await trio.sleep(5)
