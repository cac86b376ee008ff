"""Small pictures of uploaded pictures (ML-44): the only file that imports Pillow.

The law: whatever somebody uploads costs a bounded piece of memory, of time and of threads. Only the formats below are
tried, whose decoders read nothing beside the file; a picture of more pixels than `MOST_PIXELS` is left alone before
anything of it is decoded; two are decoded at a time, in worker threads; and whoever has waited `SECONDS` goes on without.
What cannot be made smaller is not an error of the upload: only a picture that breaks off or contradicts itself is.
"""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import trio
from PIL import Image, ImageOps, UnidentifiedImageError

from protocol.errors import Reason, Refused

log = logging.getLogger("adminapi.thumbnails")

SIZE = (128, 128)
"""ML-44."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
MOST_PIXELS = 32_000_000
"""128 MiB decoded, in the worst of the formats."""
MOST_BYTES = 64 * 1_048_576
"""Of the file: the decoder of WebP reads all of it at once."""
SECONDS = 5.0
AT_ONCE = 2

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


class Thumbnails:
    """The bound for all uploads of this program."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(AT_ONCE)

    async def make(self, path: Path) -> tuple[bytes, str] | None:
        """(file, extension) of a picture of at most 128x128; None if there can be none. BAD_FILE if it is broken."""
        with trio.move_on_after(SECONDS) as waiting:
            # An abandoned thread keeps its place in the limiter until it is done, so there are never more of them.
            made = await trio.to_thread.run_sync(shrink, path, limiter=self._limiter, abandon_on_cancel=True)
        if waiting.cancelled_caught:
            log.warning("no thumbnail within seconds=%.0f", SECONDS)
            return None
        return made


def shrink(path: Path) -> tuple[bytes, str] | None:
    """In a worker thread."""
    if path.stat().st_size > MOST_BYTES:
        return None
    try:
        image = decoded(path)
    except (UnidentifiedImageError, MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    except Exception as error:  # each decoder has its own exceptions for data that is not as its header says
        log.info("broken picture error=%s", error)
        raise Refused(Reason.BAD_FILE, "The picture cannot be read: it is broken or incomplete.") from None
    with image:
        try:
            return encoded(image)
        except (OSError, ValueError) as error:  # a colour model nothing converts
            log.info("no thumbnail error=%s", error)
            return None


def decoded(path: Path) -> Image.Image:
    image = Image.open(path, formats=FORMATS)
    try:
        image.draft("RGB", (SIZE[0] * 2, SIZE[1] * 2))  # JPEG: decoded at an eighth of its size if that is enough
        image.load()
    except BaseException:
        image.close()
        raise
    return image


def encoded(image: Image.Image) -> tuple[bytes, str]:
    """PNG where something shows through, else JPEG."""
    clear = "transparency" in image.info or "A" in image.getbands()
    mode = "RGBA" if clear else "RGB"
    small = image if image.mode == mode else image.convert(mode)
    small.thumbnail(SIZE)
    small = ImageOps.exif_transpose(small)
    out = io.BytesIO()
    small.save(out, "PNG" if clear else "JPEG")
    return out.getvalue(), "png" if clear else "jpg"
