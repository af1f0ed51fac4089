"""Messages as the chat classes of other packages keep them, written down from what those packages make."""

from __future__ import annotations

from typing import Any

CALL = {"name": "add", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}

# Of LangChain: content, additional_kwargs and tool_calls of an AIMessage.
LANGCHAIN: dict[str, dict[str, Any]] = {
    "openai responses v0": {
        "content": [{"type": "text", "text": "Hi", "annotations": []}],
        "additional_kwargs": {
            "reasoning": {
                "id": "rs_1",
                "summary": [{"text": "hm", "type": "summary_text"}],
                "type": "reasoning",
                "encrypted_content": "enc",
            },
            "__openai_function_call_ids__": {"call_1": "fc_1"},
            "tool_outputs": [{"id": "ws_1", "status": "completed", "type": "web_search_call"}],
        },
        "tool_calls": [CALL],
    },
    "openai responses v1": {
        "content": [
            {"id": "rs_1", "summary": [{"text": "hm", "type": "summary_text"}], "type": "reasoning"},
            {"type": "text", "text": "Hi", "annotations": [], "id": "msg_1"},
            {"arguments": '{"a":1}', "call_id": "call_1", "name": "add", "type": "function_call", "id": "fc_1"},
            {"id": "ws_1", "action": {"type": "search", "query": "x"}, "type": "web_search_call"},
        ],
        "tool_calls": [CALL],
    },
    "openai responses, calls in the content alone": {
        "content": [
            {"type": "reasoning", "summary": [{"text": "hm", "type": "summary_text"}]},
            {"type": "text", "text": "Hi"},
            {"arguments": '{"a": 1}', "call_id": "call_1", "name": "add", "type": "function_call", "id": "fc_1"},
        ],
    },
    "anthropic": {
        "content": [
            {"thinking": "hm", "type": "thinking"},
            {"text": "Hi", "type": "text"},
            {"id": "call_1", "input": {"a": 1}, "name": "add", "type": "tool_use", "toolset_name": None},
        ],
        "tool_calls": [CALL],
    },
    "anthropic, calls in the content alone": {
        "content": [
            {"thinking": "hm", "type": "thinking"},
            {"text": "Hi", "type": "text"},
            {"id": "call_1", "input": {"a": 1}, "name": "add", "type": "tool_use"},
        ],
    },
    "anthropic, calls in additional_kwargs": {
        "content": "Hi",
        "additional_kwargs": {
            "reasoning_content": "hm",
            "tool_calls": [{"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}}],
        },
    },
    "bedrock": {
        "content": [
            {"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": None}},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "name": "add", "input": {"a": 1}, "id": "call_1"},
        ],
        "tool_calls": [CALL],
    },
    "bedrock, calls in additional_kwargs": {
        "content": "Hi",
        "additional_kwargs": {
            "reasoning_content": "hm",
            "tool_calls": [{"toolUseId": "call_1", "name": "add", "input": {"a": 1}}],
        },
    },
    "mistral": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "Hi"},
        ],
        "additional_kwargs": {"tool_calls": [{"id": "call_1", "function": {"name": "add", "arguments": '{"a": 1}'}}]},
    },
    "google": {
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Hi", "extras": {"signature": "c2ln"}},
        ],
        "additional_kwargs": {
            "function_call": {"name": "add", "arguments": '{"a": 1}'},
            "__gemini_function_call_thought_signatures__": {"call_1": "c2ln"},
        },
        "tool_calls": [CALL],
    },
    "deepseek": {"content": "Hi", "additional_kwargs": {"reasoning_content": "hm"}, "tool_calls": [CALL]},
    "ollama, without an id": {
        "content": "Hi",
        "additional_kwargs": {"reasoning_content": "hm"},
        "tool_calls": [{**CALL, "id": None}],
    },
    "auriko, before": {
        "content": "Hi",
        "additional_kwargs": {"reasoning": [{"type": "thinking", "thinking": "hm", "index": 0}]},
        "tool_calls": [CALL],
    },
}

# Of LlamaIndex: blocks and additional_kwargs of a ChatMessage.
THOUGHT = {"block_type": "thinking", "content": "hm"}
SAID = {"block_type": "text", "text": "Hi"}
TOOL_CALL = {"block_type": "tool_call", "tool_call_id": "call_1", "tool_name": "add", "tool_kwargs": {"a": 1}}
LLAMAINDEX: dict[str, dict[str, Any]] = {
    "openai": {
        "blocks": [THOUGHT, SAID, {**TOOL_CALL, "tool_kwargs": '{"a": 1}'}],
        "additional_kwargs": {
            "tool_calls": [
                {"id": "call_1", "function": {"arguments": '{"a": 1}', "name": "add"}, "type": "function"},
            ]
        },
    },
    "openai responses": {
        "blocks": [
            {
                **THOUGHT,
                "num_tokens": None,
                "additional_information": {
                    "id": "rs_1",
                    "type": "reasoning",
                    "encrypted_content": "enc",
                    "status": None,
                },
            },
            SAID,
            {**TOOL_CALL, "tool_kwargs": '{"a": 1}'},
        ],
        "additional_kwargs": {"built_in_tool_calls": [{"id": "ws_1", "type": "web_search_call"}], "annotations": []},
    },
    "anthropic": {
        "blocks": [{**THOUGHT, "additional_information": {"signature": "", "type": "thinking"}}, SAID, TOOL_CALL],
    },
    "anthropic, calls in additional_kwargs": {
        "blocks": [THOUGHT, SAID],
        "additional_kwargs": {"tool_calls": [{"id": "call_1", "input": {"a": 1}, "name": "add", "type": "tool_use"}]},
    },
    "bedrock": {
        "blocks": [THOUGHT, SAID],
        "additional_kwargs": {"tool_calls": [{"toolUseId": "call_1", "input": {"a": 1}, "name": "add"}]},
    },
    "ollama": {"blocks": [THOUGHT, SAID, {**TOOL_CALL, "tool_call_id": None}]},
    "ollama, calls in additional_kwargs": {
        "blocks": [THOUGHT, SAID],
        "additional_kwargs": {"tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]},
    },
    "gemini": {
        "blocks": [
            {
                **THOUGHT,
                "additional_information": {
                    "code_execution_result": None,
                    "function_call": None,
                    "thought": True,
                    "thought_signature": b"sig\xff",
                },
            },
            SAID,
            {**TOOL_CALL, "tool_call_id": "add"},
        ],
        "additional_kwargs": {"thought_signatures": ["c2ln", None]},
    },
}

# How a tool's result refers to its call, where the class keeps no id.
LLAMAINDEX_IDS = dict.fromkeys(("ollama", "ollama, calls in additional_kwargs", "gemini"), "add")
