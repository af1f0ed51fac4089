"""Auriko for LlamaIndex, under the name that LlamaIndex's integrations have: see `auriko_llamaindex`."""

from auriko_llamaindex import Auriko, AurikoBudget, AurikoCostHandler

__all__ = ["Auriko", "AurikoBudget", "AurikoCostHandler"]
