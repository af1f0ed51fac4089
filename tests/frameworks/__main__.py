"""A section of docs/frameworks.md run as it stands, against the sandbox, in the environment of its framework.

    python tests/frameworks crewai

Fails unless what a ledger of the process counts is what the sandbox billed: every call once, plain, streamed and with a
tool, at its amount, with who answered.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from auriko.sandbox import Sandbox
from auriko.spend import CallRecord, add_listener

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"
SECTIONS = {
    "openai-2": "openai",
    "openai-3": "openai",
    "openai-agents": "OpenAI Agents SDK",
    "pydantic-ai": "pydantic-ai",
    "crewai": "CrewAI",
    "google-adk": "Google ADK",
    "langchain-openai": "LangChain's ChatOpenAI",
    "llamaindex-openai-like": "LlamaIndex's OpenAILike",
    "instructor": "instructor",
    "dspy": "DSPy",
}


def program(framework: str) -> str:
    """The Python of the framework's section."""
    (code,) = re.findall(
        rf"^## {re.escape(SECTIONS[framework])}\n+```python\n(.*?)^```",
        PAGE.read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    return str(code)


def differences(records: list[CallRecord], sandbox: Sandbox) -> list[str]:
    """What the program's records and the sandbox's do not agree in."""
    billed: list[dict[str, Any]] = [decision["attempts"][-1] for decision in sandbox.decisions]
    counted = [(record.model, record.provider, record.usd) for record in records]
    wrong = []
    if counted != [(bill["model"], bill["provider"], bill["usd"]) for bill in billed]:
        wrong.append(f"counted {counted}, billed {billed}")
    if {record.stream for record in records} != {True, False}:
        wrong.append("the program has no plain call, or no streamed one")
    # A framework may also ask for what the gateway does not have, as CrewAI does for a count of tokens.
    asked = [request.json for request in sandbox.requests if request.path in {"/v1/chat/completions", "/v1/responses"}]
    if not any("tools" in body for body in asked):
        wrong.append("the program offers no tool")
    if any(body["gateway"]["routing"] != {"optimize": "cost"} for body in asked):
        wrong.append("a request has not the gateway's options")
    return wrong


def main(framework: str) -> None:
    """Runs the section and compares the books."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        os.environ.pop(name, None)
    # They would look for newer price lists, or tell of their use.
    os.environ |= {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
    }
    records: list[CallRecord] = []
    add_listener(lambda _start: records.append)
    with Sandbox(engines=["quote"]) as sandbox:
        os.environ |= {"AURIKO_BASE_URL": sandbox.base_url, "AURIKO_API_KEY": sandbox.api_key}
        exec(compile(program(framework), str(PAGE), "exec"), {"__name__": "__main__"})
        wrong = differences(records, sandbox)
    print(
        f"\n{framework}: {len(records)} calls, ${sum(record.usd or 0 for record in records):.6f}, as billed"
        if not wrong
        else "\n".join(wrong)
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(sys.argv[1])
