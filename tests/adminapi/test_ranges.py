"""Parts of a file (RFC 9110 14)."""

from __future__ import annotations

import pytest

from adminapi.ranges import wanted_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=-5", (995, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=10-", (10, 1000)),
        ("bytes=0-5000", (0, 1000)),
        ("bytes=1000-", (1000, 1000)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=abc", None),
        ("items=0-5", None),
        ("bytes=0-1,3-4", None),
        ("bytes=0-99999999999999999999", None),
    ],
)
def test_a_range_is_clamped_or_ignored(header: str, expected: tuple[int, int] | None) -> None:
    assert wanted_range(header, 1000) == expected
