"""The address guard and the reading of URLs."""

import contextlib
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paybell.errors import ConfigurationError
from paybell.transports import AddressGuard, check_url
from paybell.transports.guard import REFUSED_V4
from paybell.transports.url import Target, parse_url
from tests.hostile_urls import BAD, DECOY, hostile_urls

GOOD = "1.1.1.1 8.8.8.8 52.94.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888".split()


def test_the_list_of_hostile_addresses_is_whole() -> None:
    assert len(set(BAD)) == 39


@pytest.mark.parametrize("address", [*BAD, "fe80::1%eth0", "::ffff:10.0.0.1", "192.31.196.1", "2620:4f:8000::1"])
def test_hostile_addresses_are_refused(address: str) -> None:
    assert address in AddressGuard().refusal(address)


@pytest.mark.parametrize("address", GOOD)
def test_public_addresses_pass(address: str) -> None:
    assert AddressGuard().refusal(address) == ""


@pytest.mark.parametrize("network", list(REFUSED_V4))
def test_ranges_are_refused_from_their_first_to_their_last_address(network: IPv4Network) -> None:
    guard = AddressGuard()
    assert guard.refusal(network[0])
    assert guard.refusal(network[-1])
    assert guard.refusal(f"::ffff:{network[-1]}")


def test_a_word_that_is_no_address_is_refused() -> None:
    assert AddressGuard().refusal("localhost")


def test_allowed_networks_open_exactly_those() -> None:
    guard = AddressGuard((ip_network("127.0.0.0/8"), ip_network("fd00:1::/32")))
    opened = ["127.0.0.1", "::ffff:127.0.0.1", "fd00:1::5"]
    assert [guard.refusal(address) for address in opened] == ["", "", ""]
    assert all(guard.refusal(address) for address in ["10.0.0.1", "::1", "fd00:2::5", "169.254.169.254"])


@given(st.one_of(st.integers(0, 2**128 - 1), st.integers(2**125, 2**126 - 1)).map(IPv6Address))
@example(IPv6Address("2001:1ff:ffff::"))
def test_no_ipv6_address_passes_that_python_calls_private(address: IPv6Address) -> None:
    if not AddressGuard().refusal(address):
        assert address in ip_network("2000::/3")
        assert not address.is_private
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_passes_that_python_calls_special(address: IPv4Address) -> None:
    if not AddressGuard().refusal(address):
        assert address.is_global
        assert not address.is_multicast


def test_a_url_is_taken_apart() -> None:
    assert parse_url("HTTPS://Hooks.Example.com:8443/in/a?b=c#d") == Target(
        tls=True,
        host="hooks.example.com",
        port=8443,
        literal=False,
        authority="hooks.example.com:8443",
        origin="https://hooks.example.com:8443",
        path="/in/a?b=c",
    )


@pytest.mark.parametrize(
    ("url", "host", "authority", "path"),
    [
        ("http://example.com", "example.com", "example.com", "/"),
        ("http://example.com:80?q", "example.com", "example.com", "/?q"),
        ("http://example.com./", "example.com", "example.com", "/"),
        ("http://[2606:4700::1]:81/", "2606:4700::1", "[2606:4700::1]:81", "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "xn--bcher-kva.example", "/"),
    ],
)
def test_host_authority_and_path(url: str, host: str, authority: str, path: str) -> None:
    target = parse_url(url)
    assert (target.host, target.authority, target.path) == (host, authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/hosts",
        "http:/example.com",
        "http://",
        "http:///path",
        "http://:80/",
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://example.com@10.0.0.1/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:/",
        "http://example.com:8a/",
        "http://bücher.example/",
        "http://example.com/\r\nX: y",
        "http://example.com/a b",
        "http://example.com\\@10.0.0.1/",
        "http://a..b/",
        "http://-a.example/",
        f"http://{'a' * 64}.example/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://[1.2.3.4]/",
        "http://example.com/" + "a" * 2_048,
    ],
)
def test_odd_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        check_url(url)


def test_no_variant_of_a_hostile_url_passes_for_a_public_address_of_another_spelling() -> None:
    passed = []
    for url, _ in hostile_urls(10_000):
        with contextlib.suppress(ConfigurationError):
            check_url(url)
            passed.append(parse_url(url))
    assert {it.host for it in passed if it.literal} == {DECOY}
    assert any(not it.literal for it in passed)  # names: judged when they are connected to


def test_a_literal_address_is_judged_and_a_name_is_not() -> None:
    check_url("https://1.1.1.1/")
    check_url("https://localhost/")
    with pytest.raises(ConfigurationError, match="loopback"):
        check_url("http://127.0.0.1/")
    check_url("http://127.0.0.1/", AddressGuard((ip_network("127.0.0.0/8"),)))


@given(st.one_of(st.text(), st.text().map("http://{}".format), st.ip_addresses().map("http://{}/".format)))
def test_any_text_is_parsed_or_refused(url: str) -> None:
    try:
        target = parse_url(url)
    except ConfigurationError:
        return
    assert "\r" not in target.authority + target.path
    if target.literal:
        ip_address(target.host)
