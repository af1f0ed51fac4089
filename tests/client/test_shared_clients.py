"""Models with the same settings share a client; what a model is does not depend on it."""

import copy
import pickle

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
