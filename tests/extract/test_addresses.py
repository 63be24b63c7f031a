"""Which addresses may be dialled."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.addresses import may_dial


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_may_be_dialled_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if may_dial(str(ip), frozenset()):
        assert ip.is_global
        assert not (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


@pytest.mark.parametrize(
    ("address", "networks", "open_"),
    [
        ("93.184.216.34", set(), True),
        ("2606:2800:220:1::1", set(), True),
        ("64:ff9b::5db8:d822", set(), True),
        ("127.0.0.1", {"loopback"}, True),
        ("::1", {"loopback"}, True),
        ("::ffff:127.0.0.1", {"loopback"}, True),
        ("127.0.0.1", {"private"}, False),
        ("10.1.2.3", {"private"}, True),
        ("fd12::1", {"private"}, True),
        ("10.1.2.3", {"loopback"}, False),
        ("169.254.169.254", {"private", "loopback"}, False),
        ("fd00:ec2::254", {"private", "loopback"}, False),
        ("100.100.100.200", {"private", "loopback"}, False),
        ("fe80::1%1", {"private", "loopback"}, False),
        ("fd00:ec2::254%1", {"private", "loopback"}, False),
        ("::ffff:169.254.169.254", {"private", "loopback"}, False),
        ("64:ff9b::a9fe:a9fe", {"private", "loopback"}, False),
        ("64:ff9b:1::5db8:d822", {"private", "loopback"}, False),
        ("2002:a9fe:a9fe::", {"private", "loopback"}, False),
        ("2001:0:5db8:d822::1", {"private", "loopback"}, False),
        ("3fff::1", {"private", "loopback"}, False),
        ("0.0.0.0", {"private", "loopback"}, False),
    ],
)
def test_networks_are_opened_by_name(address: str, networks: set[str], open_: bool) -> None:
    assert may_dial(address, frozenset(networks)) is open_
