"""Where a webhook may go, and every way round that is known to us; with controls that do get through."""

import pytest

from rules.errors import Invalid
from rules.events.targets import public, target

INSIDE = (
    "10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "169.254.1.1",
    "100.64.0.1", "198.18.0.1", "192.0.0.8", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1",
    "2002:7f00:1::", "2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:db8::1", "fe80::1%eth0", "nonsense",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_leads_inside_is_refused(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_a_public_address_is_the_control(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "ftp://example.org/", "file:///etc/passwd", "//example.org/", "https://", "",
        "https://localhost/", "https://printer.local/", "https://db.internal/", "https://intranet/",
        "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://127.1/", "https://0x7f000001/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data", "https://example.org:22/", "https://example.org:99999/",
        "https://user:pass@example.org/", "https://example.org/#x", "https://exa mple.org/", "https://例え.jp/",
        "https://example.org\r\nHost: x/", "https://-x.example.org/", "https://[oops/", "https://localhost./",
    ],
)  # fmt: skip
def test_a_url_that_could_lead_elsewhere_is_refused_and_named(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        target(url)
    assert "body.url" in refusal.value.fields


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://hooks.example.org/in?x=1", 443), ("https://hooks.example.org:8443/", 8443), ("https://8.8.8.8/", 443),
        ("https://[2606:4700:4700::1111]/", 443), ("https://xn--r8jz45g.jp/", 443),
    ],
)  # fmt: skip
def test_a_public_https_url_is_the_control(url: str, port: int) -> None:
    assert target(url).port == port


def test_loopback_is_for_development_only_and_nothing_else_comes_with_it() -> None:
    assert target("http://127.0.0.1:9000/", loopback=True).port == 9000
    assert public("127.0.0.1", loopback=True)
    assert not public("10.0.0.1", loopback=True)
    with pytest.raises(Invalid):
        target("http://10.0.0.1/", loopback=True)
    with pytest.raises(Invalid):
        target("http://example.org/", loopback=True)
