"""Auriko for LangChain: a native chat model, with routing in and cost out everywhere.

The middleware for agents is in `auriko_langchain.middleware`, which needs the package langchain.
"""

try:
    import langchain_core as _langchain_core
except ImportError as error:
    raise ImportError(
        'auriko_langchain needs langchain-core, which is not installed: pip install "auriko[langchain]"'
    ) from error

from auriko_langchain._register import register
from auriko_langchain._reply import AurikoGatewayWarning, get_routing_metadata
from auriko_langchain.callbacks import AurikoCostCallbackHandler, get_auriko_cost_callback
from auriko_langchain.chat_models import ChatAuriko
from auriko_langchain.tracers import AurikoLangChainTracer

del _langchain_core

__all__ = [
    "AurikoCostCallbackHandler",
    "AurikoGatewayWarning",
    "AurikoLangChainTracer",
    "ChatAuriko",
    "get_auriko_cost_callback",
    "get_routing_metadata",
    "register",
]
