"""Who is measured: the project, what it is built on, and its peers, with the environment that each lives in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from workloads import WORKLOADS, Kind

_VENVS = Path(__file__).resolve().parents[1] / ".venvs"

FLOOR = "raw httpx"
OURS, OURS_FAST, OURS_LANGCHAIN, OURS_LLAMAINDEX = "auriko", "auriko (httptools)", "ChatAuriko", "LlamaIndex Auriko"
OURS_LANGCHAIN_FAST, OURS_LLAMAINDEX_FAST = "ChatAuriko (httptools)", "LlamaIndex Auriko (httptools)"
AURIKO_1, OPENAI, OPENAI_AIOHTTP, LITELLM = "auriko 1.2", "openai 3", "openai 3 (aiohttp)", "litellm"
LANGCHAIN, AURIKO_1_LANGCHAIN = "ChatOpenAI", "AurikoChatOpenAI 1.2"
LLAMAINDEX, AURIKO_1_LLAMAINDEX = "LlamaIndex OpenAI", "AurikoLlamaIndexLLM 1.2"
PYREQWEST = "raw pyreqwest"
# Not measured but for what their import costs.
BASIS, LANGCHAIN_BASIS, LLAMAINDEX_BASIS = "httpx + pydantic", "httpx + langchain-core", "httpx + llama-index-core"

# What has nothing to do with the transport.
_ON_ANY_TRANSPORT = ("construction", "50000 chunks", "1000 messages", "batch")


class Entrant(NamedTuple):
    """One subject of measurement.

    Args:
        kind: What it is compared with.
        subject: Module and class; None where its import alone is measured.
        imports: What a program that uses it begins with.
        venv: The environment that it lives in; None is the one that this program runs in.
        packages: Those whose versions belong to the figures.
        has: Which sides it has. Where both are the same client, it is measured on one alone.
        without: Workloads that it is not up to.
    """

    kind: Kind
    subject: str | None
    imports: str
    venv: str | None
    packages: tuple[str, ...] = ()
    has: tuple[str, ...] = ("sync", "async")
    without: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return sys.executable if self.venv is None else str(_VENVS / f"bench-{self.venv}" / "bin" / "python")

    def runs(self, workload: str) -> bool:
        """Whether this workload is for it."""
        asked = WORKLOADS[workload]
        return (
            self.subject is not None
            and self.kind in asked.kinds
            and asked.needs in self.has
            and workload not in self.without
        )


# LiteLLM has no clients to construct. A thousand streams are too many for some pools.
ROSTER: dict[str, Entrant] = {
    "raw socket": Entrant("limit", "limits:RawSocket", "import asyncio, socket", "auriko"),
    "http.client": Entrant("limit", "limits:HttpClient", "import http.client", "auriko", has=("sync",)),
    "raw aiohttp": Entrant("limit", "limits:RawAiohttp", "import aiohttp", "auriko", ("aiohttp",), has=("async",)),
    PYREQWEST: Entrant("limit", "limits:RawPyreqwest", "import pyreqwest.client", "auriko", ("pyreqwest",)),
    FLOOR: Entrant("limit", "subjects:RawHttpx", "import httpx", "auriko", ("httpx", "httpcore", "h11")),
    BASIS: Entrant("limit", None, "import httpx; from pydantic import BaseModel", "auriko", ("pydantic",)),
    OURS: Entrant("core", "subjects:Auriko", "from auriko import AsyncClient, Client", "auriko", ("auriko",)),
    OURS_FAST: Entrant(
        "core",
        "subjects:AurikoOnHttptools",
        "from auriko import AsyncClient, Client; import httptools",
        "auriko",
        ("auriko", "httptools"),
    ),
    AURIKO_1: Entrant(
        "core",
        "peers.auriko_1:Core",
        "from auriko import AsyncClient, Client",
        "auriko-1",
        ("auriko",),
        without=("1000 streams",),
    ),
    OPENAI: Entrant(
        "core",
        "peers.openai_package:OpenAI",
        "from openai import AsyncOpenAI, OpenAI",
        "openai-3",
        ("openai",),
        without=("1000 streams",),
    ),
    OPENAI_AIOHTTP: Entrant(
        "core",
        "peers.openai_package:OpenAIOnAiohttp",
        "from openai import AsyncOpenAI, OpenAI",
        "openai-3-aiohttp",
        ("openai", "aiohttp"),
        has=("async",),
    ),
    LITELLM: Entrant(
        "core",
        "peers.lite_llm:LiteLLM",
        "import litellm",
        "litellm",
        ("litellm",),
        without=("construction", "1000 streams"),
    ),
    LANGCHAIN_BASIS: Entrant(
        "langchain", None, "import httpx; from langchain_core.language_models import BaseChatModel", "auriko-langchain"
    ),
    OURS_LANGCHAIN: Entrant(
        "langchain",
        "subjects:LangChain",
        "from auriko_langchain import ChatAuriko",
        "auriko-langchain",
        ("auriko", "langchain-core"),
    ),
    OURS_LANGCHAIN_FAST: Entrant(
        "langchain",
        "subjects:LangChainOnHttptools",
        "from auriko_langchain import ChatAuriko; import httptools",
        "auriko-langchain",
        ("auriko", "langchain-core", "httptools"),
        without=_ON_ANY_TRANSPORT,
    ),
    LANGCHAIN: Entrant(
        "langchain",
        "peers.frameworks:LangChain",
        "from langchain_openai import ChatOpenAI",
        "langchain",
        ("langchain-openai", "langchain-core", "openai"),
    ),
    AURIKO_1_LANGCHAIN: Entrant(
        "langchain",
        "peers.auriko_1:LangChain",
        "from auriko.frameworks.langchain import AurikoChatOpenAI",
        "auriko-1-adapters",
        ("auriko", "langchain-openai", "langchain-core", "openai"),
    ),
    LLAMAINDEX_BASIS: Entrant(
        "llamaindex", None, "import httpx; from llama_index.core.llms.llm import LLM", "auriko-llamaindex"
    ),
    OURS_LLAMAINDEX: Entrant(
        "llamaindex",
        "subjects:LlamaIndex",
        "from auriko_llamaindex import Auriko",
        "auriko-llamaindex",
        ("auriko", "llama-index-core"),
    ),
    OURS_LLAMAINDEX_FAST: Entrant(
        "llamaindex",
        "subjects:LlamaIndexOnHttptools",
        "from auriko_llamaindex import Auriko; import httptools",
        "auriko-llamaindex",
        ("auriko", "llama-index-core", "httptools"),
        without=_ON_ANY_TRANSPORT,
    ),
    LLAMAINDEX: Entrant(
        "llamaindex",
        "peers.frameworks:LlamaIndex",
        "from llama_index.llms.openai import OpenAI",
        "llamaindex",
        ("llama-index-llms-openai", "llama-index-core", "openai"),
    ),
    AURIKO_1_LLAMAINDEX: Entrant(
        "llamaindex",
        "peers.auriko_1:LlamaIndex",
        "from auriko.frameworks.llamaindex import AurikoLlamaIndexLLM",
        "auriko-1-adapters",
        ("auriko", "llama-index-llms-openai", "llama-index-core", "openai"),
    ),
}
