"""A chat over the text files of a folder, with memory, and what each answer cost.

    pip install ".[llamaindex]" wordllama
    python examples/rag_chat.py docs

The index is made on this machine: wordllama brings a small embedding with its weights, so nothing is downloaded.
"""

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any

import wordllama
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from pydantic import PrivateAttr

from auriko import track_spend
from auriko_llamaindex import Auriko

logging.getLogger().setLevel(logging.WARNING)  # wordllama has set it to INFO
CONTEXT_PROMPT = (
    "Context:\n{context_str}\n\nAnswer from the context, in one sentence. "
    'If the context does not hold the answer, say "Not in the documents."'
)


class WordLlamaEmbedding(BaseEmbedding):
    """Embeddings by wordllama, whose weights are part of its package."""

    _model: Any = PrivateAttr(
        default_factory=lambda: wordllama.WordLlama.load(
            cache_dir=Path(wordllama.__file__).parent, disable_download=True
        )
    )

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._model.embed([text], norm=True)[0].tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def make_chat(folder: str, llm: Auriko) -> CondensePlusContextChatEngine:
    """A chat engine that remembers, and finds passages of the folder's .md and .txt files for each question."""
    files = [file for file in sorted(Path(folder).rglob("*")) if file.suffix in {".md", ".txt"}]
    documents = [Document(text=file.read_text("utf-8"), metadata={"file": file.name}) for file in files]
    index = VectorStoreIndex.from_documents(
        documents,
        embed_model=WordLlamaEmbedding(),
        transformations=[SentenceSplitter(chunk_size=256, chunk_overlap=32)],
    )
    retriever = index.as_retriever(similarity_top_k=5)
    return CondensePlusContextChatEngine.from_defaults(
        retriever, llm=llm, memory=ChatMemoryBuffer.from_defaults(token_limit=8000), context_prompt=CONTEXT_PROMPT
    )


def main() -> None:
    """Asks until there is no further question."""
    with Auriko(models=["gpt-4o-mini", "deepseek-chat"], routing={"optimize": "cost"}) as llm, track_spend() as spend:
        chat = make_chat(sys.argv[1], llm)
        while question := input("> " if sys.stdin.isatty() else "").strip():
            before = spend.usd
            for text in chat.stream_chat(question).response_gen:
                print(text, end="", flush=True)
            print(f"\n[${spend.usd - before:.6f}, ${spend.usd:.6f} in all]")


if __name__ == "__main__":
    with contextlib.suppress(EOFError):
        main()
