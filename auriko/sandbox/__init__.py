"""A local gateway that speaks the Auriko API without a key, a network or a bill."""

try:
    import jinja2 as _jinja2
    import jsonschema as _jsonschema
    import starlette as _starlette
    import uvicorn as _uvicorn
except ImportError as error:
    from importlib.util import find_spec

    missing = [name for name in ("jinja2", "jsonschema", "starlette", "uvicorn") if find_spec(name) is None]
    raise ImportError(
        f'the sandbox needs packages that are not installed ({", ".join(missing)}): pip install "auriko[sandbox]"',
        name=error.name,
    ) from error

from auriko.sandbox.accounts.limits import Limits
from auriko.sandbox.catalog.upstreams import UpstreamError
from auriko.sandbox.engines import (
    Finish,
    Paced,
    Prompt,
    QuoteEngine,
    ScriptedEngine,
    ScriptedError,
    ToolCall,
    tool_call,
)
from auriko.sandbox.journal.requests import ReceivedRequest
from auriko.sandbox.sandbox import Sandbox, serve
from auriko.sandbox.server import PortInUseError

del _jinja2, _jsonschema, _starlette, _uvicorn

__all__ = [
    "Finish",
    "Limits",
    "Paced",
    "PortInUseError",
    "Prompt",
    "QuoteEngine",
    "ReceivedRequest",
    "Sandbox",
    "ScriptedEngine",
    "ScriptedError",
    "ToolCall",
    "UpstreamError",
    "serve",
    "tool_call",
]
