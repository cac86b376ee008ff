"""Under which address a peer counts, and what of a proxy's word is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.addresses import Addresses

PROXIES = ("127.0.0.0/8", "::1", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("::ffff:127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("", ""),
    ],
)
def test_under_what_a_host_counts(host: str, name: str) -> None:
    assert Addresses(PROXIES).read(host) == name


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what the client itself claims
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("10.1.2.3", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_whom_a_proxy_names(field: str, name: str) -> None:
    assert Addresses(PROXIES).forwarded(field) == name


@given(st.text(max_size=60))
def test_no_field_breaks_it(field: str) -> None:
    Addresses(PROXIES).forwarded(field)
