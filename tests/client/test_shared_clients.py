"""Models with the same settings share a client; what a model is does not depend on it."""

import copy
import pickle
from pathlib import Path

import httpx
import pytest

from auriko import APIConnectionError
from auriko.shared_clients import Clients

# ruff: noqa: S301 - the pickles are made right here


def test_the_same_settings_share_a_client() -> None:
    one, other = Clients(), Clients()
    settings = {"api_key": "ak_x", "timeout": httpx.Timeout(5, read=7), "default_headers": {"X-A": "b"}}
    shared = one.sync(settings)
    assert other.sync({**settings, "timeout": httpx.Timeout(5, read=7)}) is shared
    assert other.sync({**settings, "timeout": httpx.Timeout(5, read=8)}) is not shared
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AURIKO_API_KEY", "ak_other"),
        ("AURIKO_BASE_URL", "http://127.0.0.1:9/v1"),
        ("AURIKO_HTTP_CLIENT", "httptools"),
        ("AURIKO_LIMIT_USD", "0"),
        ("SSL_CERT_FILE", "other.pem"),
        ("https_proxy", "http://127.0.0.1:9"),
        ("NO_PROXY", "*"),
    ],
)
def test_a_model_that_is_made_in_another_environment_has_another_client(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURIKO_API_KEY", "ak_x")
    monkeypatch.setenv("AURIKO_LEDGER", str(tmp_path / "spend.db"))
    one, other, third = Clients(), Clients(), Clients()
    shared = one.sync({})
    assert other.sync({}) is shared
    monkeypatch.setenv(variable, value)
    assert third.sync({}) is not shared
    for clients in (one, other, third):
        clients.close()


def test_a_copy_and_a_pickle_are_as_new_and_make_no_difference() -> None:
    clients = Clients()
    clients.close()
    with pytest.raises(APIConnectionError, match="has been closed"):
        clients.sync({"api_key": "ak_x"})
    for twin in (copy.copy(clients), copy.deepcopy(clients), pickle.loads(pickle.dumps(clients))):
        assert twin == clients
        assert twin is not clients
        assert twin.sync({"api_key": "ak_x"})
        twin.close()
    assert clients != "clients"
