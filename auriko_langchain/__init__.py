"""Auriko for LangChain: a native chat model, with routing in and cost out everywhere."""

try:
    import langchain_core as _langchain_core
except ImportError as error:
    raise ImportError(
        'auriko_langchain needs langchain-core, which is not installed: pip install "auriko[langchain]"'
    ) from error

from auriko_langchain._reply import AurikoGatewayWarning, get_routing_metadata
from auriko_langchain.chat_models import ChatAuriko

del _langchain_core

__all__ = ["AurikoGatewayWarning", "ChatAuriko", "get_routing_metadata"]
