"""Whether people who cannot see a page, or cannot see it well, can use it: our own reading of WCAG 2.2 AA where a script can
tell. `flaws(page)` is empty for a page as it stands; a page is checked in each state that shows something else.

Checked: language and title (3.1.1, 2.4.2), one `main` and one `h1` (1.3.1), no step left out between headings, names of
controls (4.1.2) and pictures (1.1.1), roles and references that exist, ids once (4.1.1), contrast of text (1.4.3) and
of the edges of fields (1.4.11), size of targets (2.5.8), no order of focus of one's own (2.4.3), nothing wider than the
window (1.4.10).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(__file__).with_suffix(".js").read_text()


def flaws(page: Page) -> list[str]:
    """What is wrong, one line each with the element it is about. An open modal dialog is checked alone."""
    found: list[str] = page.evaluate(SCRIPT)
    return found
