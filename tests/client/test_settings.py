"""Settings: argument, else environment, else default; checked at construction, the key never shown."""

# ruff: noqa: S301 - the pickles are made right here

import copy
import pickle
import warnings
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

import auriko
from auriko import AsyncClient, AuthenticationError, Client
from auriko._checks import check_base_url, escape
from auriko._settings import resolve
from tests.support.cases import failures

KEY = "ak_test_0123456789abcdefghij"
CLIENTS = pytest.mark.parametrize("make", [Client, AsyncClient])


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AURIKO_API_KEY", "AURIKO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@CLIENTS
def test_key_comes_from_the_argument_else_the_environment(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIKO_API_KEY", "from-environment")
    assert make()._caller.settings.authorization() == "Bearer from-environment"
    assert make(api_key=KEY)._caller.settings.authorization() == f"Bearer {KEY}"
    assert make(api_key=SecretStr(KEY))._caller.settings.authorization() == f"Bearer {KEY}"


@CLIENTS
@pytest.mark.parametrize("environment", [None, ""])
def test_missing_key_is_refused_at_construction(
    make: Any, environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("AURIKO_API_KEY", environment)
    with pytest.raises(AuthenticationError, match="set AURIKO_API_KEY or pass the api_key argument") as caught:
        make()
    assert caught.value.code == "missing_api_key"
    assert caught.value.status_code == caught.value.attempts == 0
    assert not caught.value.is_retryable


@CLIENTS
@pytest.mark.parametrize("empty", ["", SecretStr("")])
def test_an_empty_key_is_a_missing_key(make: Any, empty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthenticationError) as caught:
        make(api_key=empty)
    assert caught.value.code == "missing_api_key"
    with pytest.raises(AuthenticationError):
        make(api_key=KEY).with_options(api_key=empty)
    monkeypatch.setenv("AURIKO_API_KEY", KEY)
    make(api_key=empty)


BAD_KEYS = [
    " ",
    f" {KEY}",
    f"{KEY} ",
    f"{KEY}\n",
    f"{KEY}\r\nX-Evil: 1",
    f"{KEY}\t",
    f"{KEY}\x00",
    f"{KEY}é",
    f"{KEY}\u2028",
]
BAD_KEYS += [f"{KEY}\x7f", f"{KEY} {KEY}", f"{KEY}\ud800"]


@CLIENTS
def test_key_that_no_header_can_carry_is_refused_and_not_shown(make: Any) -> None:
    def check(key: str, wrap: Any) -> None:
        with pytest.raises(ValueError, match="API key") as caught:
            make(api_key=wrap(key))
        assert KEY not in str(caught.value)
        assert KEY[-4:] not in str(caught.value)
        assert str(len(key)) not in str(caught.value)

    assert not failures(check, product(BAD_KEYS, (str, SecretStr)))


@pytest.mark.parametrize("key", BAD_KEYS[1:])
def test_key_from_the_environment_is_checked_too(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"AURIKO_API_KEY": key})
    with pytest.raises(ValueError, match="API key") as caught:
        Client()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [b"ak_bytes", 5, ["ak"]])
def test_key_of_another_type_is_a_type_error(key: Any) -> None:
    with pytest.raises(TypeError, match="api_key is a string"):
        Client(api_key=key)


def test_base_url_comes_from_the_argument_else_the_environment_else_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Client(api_key=KEY).base_url == "https://api.auriko.ai/v1"
    monkeypatch.setenv("AURIKO_BASE_URL", "https://from.environment")
    assert Client(api_key=KEY).base_url == "https://from.environment/v1"
    assert Client(api_key=KEY, base_url="https://argument/x").base_url == "https://argument/x"


BASE_URLS = [
    ("https://h", "https://h/v1"),
    ("https://h/", "https://h/v1"),
    ("https://h/v1", "https://h/v1"),
    ("https://h/v1/", "https://h/v1"),
    ("https://h:8443/gateway/v2/", "https://h:8443/gateway/v2"),
    ("HTTPS://Example.COM/V1", "https://Example.COM/V1"),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/v1"),
    ("https://münchen.example", "https://münchen.example/v1"),
    ("http://localhost:8080", "http://localhost:8080/v1"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
    ("http://127.9.9.9", "http://127.9.9.9/v1"),
    ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ("http://auriko.localhost", "http://auriko.localhost/v1"),
]


def test_base_url_without_a_path_gets_v1() -> None:
    def check(given: str, used: str) -> None:
        assert Client(api_key=KEY, base_url=given).base_url == used

    assert not failures(check, BASE_URLS)


BAD_URLS = ["ftp://x", "not a url", "h/v1", "//h/v1", "https:/h", "https://", "http:///v1", "file:///etc/passwd"]
BAD_URLS += [
    "http://u:p@h",
    "https://u@h",
    "https://h\\@evil",
    "https://h/v1?x=1",
    "https://h/?",
    "https://h/v1#f",
    "https://h#",
]
BAD_URLS += [
    "https://h h",
    " https://h",
    "https://h\n",
    "https://h/v1\t",
    "https://h\\x",
    "https://h:99999",
    "https://h:x",
]
BAD_URLS += [
    "http://[::1",
    "https://a..b",
    f"https://{'a' * 70}.example",
    f"https://{'ü' * 70}.example",
    "https://h\x00",
]


@CLIENTS
def test_base_url_that_is_no_address_is_refused(make: Any) -> None:
    def check(url: str) -> None:
        with pytest.raises(ValueError, match="base_url"):
            make(api_key=KEY, base_url=url)

    assert not failures(check, BAD_URLS)


def test_base_url_with_credentials_does_not_show_them() -> None:
    with pytest.raises(ValueError, match="user name or password") as caught:
        Client(api_key=KEY, base_url="https://somebody:hunter2@h")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", [5, b"https://h", httpx.URL("https://h")])
def test_base_url_of_another_type_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match="base_url is a string"):
        Client(api_key=KEY, base_url=url)


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://0.0.0.0", "http://127.0.0.1.example.com", "http://10.0.0.1:8080/v1"]
)
def test_plain_http_beyond_loopback_warns_once(url: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            Client(api_key=KEY, base_url=url)
    assert [str(w.message) for w in caught] == [
        f"base_url is plain http to {urlsplit(url).hostname}: the API key and the prompts travel unencrypted"
    ]
    assert caught[0].filename == __file__, "the warning points at the caller"


def test_what_is_checked_is_what_is_connected_to() -> None:
    """The host that the check sees is the one that httpx connects to, for addresses made of awkward pieces."""
    pieces = [
        "h",
        ".",
        ":",
        "80",
        "/",
        "v1",
        "[",
        "]",
        "::1",
        "%41",
        "\\",
        "@",
        "?",
        "#",
        " ",
        "é",
        "-",
        "127.0.0.1",
        ";",
        "//",
    ]
    accepted = 0
    for first in pieces:
        for second in pieces:
            for third in pieces:
                url = f"https://{first}{second}{third}"
                try:
                    base = check_base_url(url)
                except ValueError:
                    continue
                accepted += 1
                sent = httpx.Request("GET", f"{base}/models").url
                assert sent.path.endswith("/models"), url
                assert not sent.userinfo, url
                assert not sent.query, url
                assert sent.scheme == "https"
                assert httpx.URL(f"https://{urlsplit(base).netloc}").host == sent.host
    assert accepted > 300


@CLIENTS
def test_defaults(make: Any) -> None:
    client = make(api_key=KEY)
    assert client.timeout == httpx.Timeout(60.0)
    assert client.max_retries == 2
    assert client._caller.settings.deadline is None
    assert client._caller.settings.stream_idle_timeout is None


@CLIENTS
def test_times_and_retries_are_taken(make: Any) -> None:
    client = make(api_key=KEY, timeout=5, max_retries=0, deadline=9, stream_idle_timeout=1.5)
    assert client.timeout == httpx.Timeout(5.0)
    assert client.max_retries == 0
    assert client._caller.settings.deadline == 9.0
    assert client._caller.settings.stream_idle_timeout == 1.5
    phases = httpx.Timeout(1, connect=2, read=None)
    assert make(api_key=KEY, timeout=phases).timeout is phases


NOT_SECONDS = [0, -1, float("nan"), float("inf"), float("-inf"), 1e10]


OUT_OF_RANGE = [
    *({"timeout": value} for value in NOT_SECONDS),
    *({"deadline": value} for value in NOT_SECONDS),
    *({"stream_idle_timeout": value} for value in NOT_SECONDS),
    {"timeout": httpx.Timeout(-1)},
    {"timeout": httpx.Timeout(5, read=0)},
    {"timeout": httpx.Timeout(5, pool=float("nan"))},
    {"max_retries": -1},
    {"max_retries": -3},
    {"default_headers": {"X Y": "1"}},
    {"default_headers": {"": "1"}},
    {"default_headers": {"X\r\nY": "1"}},
    {"default_headers": {"X": "a\r\nY: b"}},
    {"default_headers": {"X": "a\x00"}},
    {"default_headers": {"X": "é"}},
    {"default_headers": {"X": " a"}},
    {"default_headers": {"X": "a\t"}},
    {"default_headers": {"Authorization": "Bearer other"}},
    {"default_headers": {"authorization": "Bearer other"}},
    {"default_headers": {"Host": "other"}},
    {"default_headers": {"Content-Length": "0"}},
    {"default_headers": {"Transfer-Encoding": "chunked"}},
]


@CLIENTS
def test_settings_out_of_range_are_value_errors(make: Any) -> None:
    def check(setting: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(setting)).removeprefix("default_").removesuffix("s")):
            make(api_key=KEY, **setting)

    assert not failures(check, OUT_OF_RANGE)


WRONG_TYPES = [
    {"timeout": "60"},
    {"timeout": True},
    {"timeout": (1, 2)},
    {"deadline": "9"},
    {"stream_idle_timeout": [1]},
    {"max_retries": 1.5},
    {"max_retries": True},
    {"max_retries": None},
    {"max_retries": "2"},
    {"default_headers": {"X": 1}},
    {"default_headers": {b"X": b"1"}},
    {"default_headers": 5},
    {"default_query": 5},
    {"retries": 3},
    {"http_client": object()},
]


@CLIENTS
def test_settings_of_the_wrong_type_are_type_errors(make: Any) -> None:
    def check(setting: dict[str, Any]) -> None:
        with pytest.raises(TypeError):
            make(api_key=KEY, **setting)

    assert not failures(check, WRONG_TYPES)


@CLIENTS
def test_unknown_argument_names_the_nearest(make: Any) -> None:
    with pytest.raises(TypeError, match=r"unknown argument 'max_retry'; did you mean 'max_retries'\?"):
        make(api_key=KEY, max_retry=3)


def test_a_client_of_the_other_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"http_client is an httpx\.Client"):
        Client(api_key=KEY, http_client=httpx.AsyncClient())  # type: ignore[arg-type]
    with httpx.Client() as other, pytest.raises(TypeError, match=r"http_client is an httpx\.AsyncClient"):
        AsyncClient(api_key=KEY, http_client=other)  # type: ignore[arg-type]


def test_query_parameters_become_text() -> None:
    assert resolve(api_key=KEY, default_query={"a": 1, "b": "x"}).query == {"a": "1", "b": "x"}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("segment", "escaped"),
    [
        ("gpt-5.4", "gpt-5.4"),
        ("a/b", "a%2Fb"),
        ("../../me", "..%2F..%2Fme"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("a b\n", "a%20b%0A"),
        ("é", "%C3%A9"),
    ],
)
def test_path_segments_cannot_leave_their_place(segment: str, escaped: str) -> None:
    assert escape(segment) == escaped
    url = httpx.Request("GET", f"https://h/v1/models/{escape(segment)}").url
    assert url.raw_path == f"/v1/models/{escaped}".encode()


@CLIENTS
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_copies_keep_the_key_and_the_settings(make: Any, twin: Any) -> None:
    client = make(api_key=KEY, base_url="https://h/x", timeout=5, max_retries=1, default_headers={"X-A": "b"})
    other = twin(client)
    assert type(other) is make
    assert other._caller.settings == client._caller.settings
    assert other._caller.settings.authorization() == f"Bearer {KEY}"
    assert other._caller.pool is not client._caller.pool
    assert other.chat.completions._caller is other._caller


@CLIENTS
def test_pickles_leave_the_key_out_and_read_it_again(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make(api_key=KEY, base_url="https://h/x", max_retries=1)
    data = pickle.dumps(client)
    assert KEY.encode() not in data
    monkeypatch.setenv("AURIKO_API_KEY", "worker-key")
    other = pickle.loads(data)
    assert other._caller.settings.authorization() == "Bearer worker-key"
    assert (other.base_url, other.max_retries) == ("https://h/x", 1)


@CLIENTS
@pytest.mark.parametrize("environment", [None, "", "bad key\n"])
def test_unpickling_never_fails(make: Any, environment: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(make(api_key=KEY))
    if environment is not None:
        monkeypatch.setenv("AURIKO_API_KEY", environment)
    other = pickle.loads(data)
    with pytest.raises(AuthenticationError, match="AURIKO_API_KEY") as caught:
        other._caller.settings.authorization()
    assert caught.value.code == "missing_api_key"


@CLIENTS
def test_pickles_carry_the_key_if_asked(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(make(api_key=KEY, pickle_api_key=True))
    monkeypatch.setenv("AURIKO_API_KEY", "worker-key")
    other = pickle.loads(pickle.dumps(pickle.loads(data)))
    assert other._caller.settings.authorization() == f"Bearer {KEY}"


@CLIENTS
def test_nothing_that_shows_a_client_shows_the_key(make: Any) -> None:
    client = make(api_key=KEY, default_headers={"X-Api-Secret": "s3cr3t"})
    shown = [
        repr(client),
        str(client),
        repr(vars(client)),
        repr(client._caller.settings),
        str(vars(client._caller.settings)),
        f"{client!a}",
    ]
    assert not [text for text in shown if KEY in text]
    assert "s3cr3t" not in repr(client._caller.settings)


def test_copies_of_settings_keep_the_key() -> None:
    settings = resolve(api_key=KEY, base_url="https://h/x")
    for twin in (copy.copy(settings), copy.deepcopy(settings)):
        assert twin == settings
        assert twin.authorization() == f"Bearer {KEY}"


def test_version_is_in_the_user_agent() -> None:
    from auriko._rules.headers import USER_AGENT

    assert f"auriko-python/{auriko.__version__}" == USER_AGENT
