"""Engines that produce text behind the sandbox's providers."""

from auriko.sandbox.engines.base import Engine, EngineError, Event, Finish, Prompt, Text, Thought, ToolCall
from auriko.sandbox.engines.paced import Paced
from auriko.sandbox.engines.quote.engine import QuoteEngine
from auriko.sandbox.engines.scripted import ScriptedEngine, ScriptedError, tool_call
from auriko.sandbox.engines.smollm2.engine import SmolLM2Engine

__all__ = [
    "Engine",
    "EngineError",
    "Event",
    "Finish",
    "Paced",
    "Prompt",
    "QuoteEngine",
    "ScriptedEngine",
    "ScriptedError",
    "SmolLM2Engine",
    "Text",
    "Thought",
    "ToolCall",
    "tool_call",
]
