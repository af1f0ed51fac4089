"""The package as it is imported."""

import importlib
import re
import subprocess
import sys

import pytest

import auriko_langchain
from auriko_langchain import ChatAuriko, _register, register


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_public_names_are_sorted_and_there():
    assert auriko_langchain.__all__ == sorted(auriko_langchain.__all__)
    shown = {name for name in vars(auriko_langchain) if not name.startswith("_")}
    modules = {name for name in shown if f"auriko_langchain.{name}" in sys.modules}
    assert shown - modules == set(auriko_langchain.__all__)


def test_what_is_imported_with_it():
    others = {"openai", "tiktoken", "langchain", "langgraph", "llama_index", "starlette"}
    code = f"import sys, auriko_langchain; print({others!r} & sys.modules.keys())"
    assert python(code).stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("missing", "module", "advice"),
    [
        ("langchain_core", "auriko_langchain", 'pip install "auriko[langchain]"'),
        ("langchain", "auriko_langchain.middleware", "pip install langchain"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, missing, module, advice):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ImportError, match=re.escape(advice)):
        importlib.import_module(module)


def test_init_chat_model(monkeypatch):
    base = importlib.import_module("langchain.chat_models.base")
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", dict(base._BUILTIN_PROVIDERS))
    monkeypatch.setenv("AURIKO_API_KEY", "ak_test")
    assert register() is True
    for arguments in ({"model": "auriko:gpt-4o"}, {"model": "gpt-4o", "model_provider": "auriko"}):
        model = base.init_chat_model(**arguments, temperature=0.5)
        assert isinstance(model, ChatAuriko)
        assert (model.model, model.temperature) == ("gpt-4o", 0.5)
    base._get_chat_model_creator.cache_clear()


def test_registration_gives_up_quietly_where_langchain_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain.chat_models.base", None)
    assert register() is False


def test_registration_gives_up_quietly_where_langchain_has_changed(monkeypatch):
    monkeypatch.setattr(_register, "import_module", lambda _name: object())
    assert register() is False


def test_a_model_shows_first_what_it_asks_and_how():
    url = "http://127.0.0.1:4010/v1"
    shown = repr(ChatAuriko(model="gpt-4o", routing={"optimize": "cost"}, base_url=url, api_key="k3y", seed=1))
    assert shown.startswith(f"ChatAuriko(model='gpt-4o', routing=RoutingOptions(optimize='cost'), base_url='{url}', ")
    assert "seed=1" in shown
    assert "k3y" not in shown
