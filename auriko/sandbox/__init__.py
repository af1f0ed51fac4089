"""A local gateway that speaks the Auriko API without a key, a network or a bill."""

from auriko.sandbox.accounts import Limits
from auriko.sandbox.journal import ReceivedRequest
from auriko.sandbox.sandbox import Sandbox, serve
from auriko.sandbox.server import PortInUseError

__all__ = ["Limits", "PortInUseError", "ReceivedRequest", "Sandbox", "serve"]
