"""NO_PROXY in all its usual forms."""

import pytest

from auriko._http.proxy_environment import goes_without, proxy_for

URLS = {
    "name": "https://api.gateway.example/v1",
    "port": "http://api.gateway.example:8080",
    "v4": "http://10.1.2.3:8080",
    "v6": "http://[::1]:8080",
    "zone": "http://[fe80::1%25eth0]:8080",
    "mapped": "http://[::ffff:10.1.2.3]",
}


@pytest.mark.parametrize(
    ("entry", "about"),
    [
        ("*", {"name", "port", "v4", "v6", "zone", "mapped"}),
        ("api.gateway.example", {"name", "port"}),
        ("API.Gateway.example", {"name", "port"}),
        ("gateway.example", {"name", "port"}),
        (".gateway.example", {"name", "port"}),
        ("*.gateway.example", {"name", "port"}),
        ("gateway.example.", {"name", "port"}),
        ("way.example", set[str]()),
        ("example.api", set[str]()),
        ("gateway.example:8080", {"port"}),
        ("api.gateway.example:443", {"name"}),
        ("10.1.2.3", {"v4", "mapped"}),
        ("10.1.2.3:8080", {"v4"}),
        ("10.1.2.3:81", set[str]()),
        ("10.0.0.0/8", {"v4", "mapped"}),
        ("11.0.0.0/8", set[str]()),
        ("::1", {"v6"}),
        ("[::1]", {"v6"}),
        ("[::1]:8080", {"v6"}),
        ("[::1]:81", set[str]()),
        ("::/64", {"v6"}),
        ("fe80::/10", {"zone"}),
        ("[::ffff:10.1.2.3]", {"v4", "mapped"}),
        ("other.example, ::1", {"v6"}),
        ("other.example ::1", {"v6"}),
        (",, ,", set[str]()),
        ("[::1", set[str]()),
        ("a:b", set[str]()),
        ("", set[str]()),
    ],
)
def test_entry_is_about_these(entry: str, about: set[str]) -> None:
    assert {name for name, url in URLS.items() if goes_without(url, entry)} == about


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_key_does_not_go_to_a_proxy_that_is_not_meant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "proxy.example:3128")
    assert proxy_for("http://[::1]:8080") == "http://proxy.example:3128"
    monkeypatch.setenv(name, "::1")
    assert proxy_for("http://[::1]:8080") is None
    assert proxy_for("https://[::1]:8080") is None
    assert proxy_for("http://[::2]:8080") == "http://proxy.example:3128"
