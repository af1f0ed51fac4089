"""Auriko for LangChain, under the name that LangChain's integrations have: see `auriko_langchain`."""

from auriko_langchain import (
    AurikoCostCallbackHandler,
    AurikoGatewayWarning,
    AurikoLangChainTracer,
    ChatAuriko,
    get_auriko_cost_callback,
    get_routing_metadata,
    register,
)

__all__ = [
    "AurikoCostCallbackHandler",
    "AurikoGatewayWarning",
    "AurikoLangChainTracer",
    "ChatAuriko",
    "get_auriko_cost_callback",
    "get_routing_metadata",
    "register",
]
