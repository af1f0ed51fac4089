"""Engines that produce text behind the sandbox's providers."""

from auriko.sandbox.engines.base import Engine, EngineError, Event, Finish, Prompt, Text, Thought, ToolCall
from auriko.sandbox.engines.extract import ExtractEngine
from auriko.sandbox.engines.smollm2.engine import SmolLM2Engine

__all__ = [
    "Engine",
    "EngineError",
    "Event",
    "ExtractEngine",
    "Finish",
    "Prompt",
    "SmolLM2Engine",
    "Text",
    "Thought",
    "ToolCall",
]
