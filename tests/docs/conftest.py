"""What pages set up for a whole program is taken back after each page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

INSTRUMENTORS = {"langchain": "LangChainInstrumentor", "llama_index": "LlamaIndexInstrumentor"}


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch, llamaindex: None) -> Iterator[None]:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    yield
    for framework, name in INSTRUMENTORS.items():
        library: Any = sys.modules.get(f"openinference.instrumentation.{framework}")
        if library is not None and getattr(library, name)().is_instrumented_by_opentelemetry:
            getattr(library, name)().uninstrument()
