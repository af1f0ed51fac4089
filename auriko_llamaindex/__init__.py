"""Auriko for LlamaIndex: an LLM whose cost every query engine and agent can see."""

try:
    from auriko_llamaindex.budgets import AurikoBudget
    from auriko_llamaindex.handlers import AurikoCostHandler
    from auriko_llamaindex.llm import Auriko
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("llama_index"):
        raise
    raise ImportError('auriko_llamaindex needs llama-index-core: pip install "auriko[llamaindex]"') from error

__all__ = ["Auriko", "AurikoBudget", "AurikoCostHandler"]
