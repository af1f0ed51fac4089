"""What each way to ask says that a reply means, in the words of the files in tests/payloads."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from auriko import AsyncClient, ChatCompletion, Client
from auriko.meaning.reasoning import reasoning_blocks
from auriko.meaning.structured import structured_answer, validator
from auriko.meaning.tool_calls import read_calls
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support.langchain_ways import call as ask_langchain
from tests.support.scripted_gateway import ScriptedGateway

ASK: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}


class Thing(BaseModel):
    """What the structured answers of the files hold."""

    items: list[str]


class Payload(ScriptedGateway):
    """A gateway that answers with a case of tests/payloads, whole or as a stream, and what asks it."""

    def __init__(self) -> None:
        super().__init__()
        given = self.settings({}, "http_client", "async_http_client")
        self.llamaindex = Auriko(**given)
        self.langchain = ChatAuriko(**self.settings({}, "http_client", "http_async_client"))
        core = {name: value for name, value in given.items() if name not in {"model", "async_http_client"}}
        self.client = Client(**core)
        self.async_client = AsyncClient(**{**core, "http_client": given["async_http_client"]})

    def answer(self, case: dict[str, Any], *, streamed: bool) -> None:
        if streamed:
            self.streams_chunks(*case["chunks"])
        else:
            self.replies(case["whole"])


def of_completion(completion: ChatCompletion) -> dict[str, Any]:
    """The meaning of a completion of the core."""
    if not completion.choices:
        return meaning(None)
    (choice,) = completion.choices
    read = read_calls(choice.message.tool_calls, choice.finish_reason)
    return meaning(
        choice.message.content,
        refusal=choice.message.refusal,
        reasoning=[(b.get("thinking"), b.get("signature"), b.get("data")) for b in reasoning_blocks(choice.message)],
        calls=[(r.call.id, r.call.function.name, r.arguments) for r in read if r.problem is None],
        not_run=[(r.call.id, r.call.function.name) for r in read if r.problem is not None],
        finish_reason=choice.finish_reason,
    )


def of_message(message: Any) -> dict[str, Any]:
    """The meaning of a LangChain message."""
    blocks = [block for block in message.content_blocks if block["type"] == "reasoning"]
    extras = [block.get("extras", {}) for block in blocks]
    return meaning(
        message.text,
        refusal=message.additional_kwargs.get("refusal"),
        reasoning=[
            (None if "redacted_data" in e else b["reasoning"], e.get("signature"), e.get("redacted_data"))
            for b, e in zip(blocks, extras, strict=True)
        ],
        calls=[(c["id"], c["name"], c["args"]) for c in message.tool_calls],
        not_run=[(c["id"], c["name"] or "") for c in message.invalid_tool_calls],
        finish_reason=message.response_metadata.get("finish_reason"),
    )


def of_response(llm: Auriko, response: ChatResponse) -> dict[str, Any]:
    """The meaning of a LlamaIndex response."""
    thoughts = [block for block in response.message.blocks if isinstance(block, ThinkingBlock)]
    selected = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    choices = response.raw["choices"] if response.raw else None
    return meaning(
        response.message.content,
        refusal=response.additional_kwargs.get("refusal"),
        reasoning=[
            (t.content, t.additional_information.get("signature"), t.additional_information.get("data"))
            for t in thoughts
        ],
        calls=[(s.tool_id, s.tool_name, s.tool_kwargs) for s in selected if "(not run: " not in s.tool_name],
        not_run=[(s.tool_id, s.tool_name.partition(" (not")[0]) for s in selected if "(not run: " in s.tool_name],
        finish_reason=choices[0].get("finish_reason") or None if choices else None,
    )


def meaning(
    text: str | None,
    *,
    refusal: str | None = None,
    reasoning: list[tuple[str | None, str | None, str | None]] | None = None,
    calls: list[tuple[str, str, dict[str, Any]]] | None = None,
    not_run: list[tuple[str, str]] | None = None,
    finish_reason: str | None = None,
) -> dict[str, Any]:
    """A meaning as the files write it, with the ids of all calls, which have to be different texts."""
    ids = [each[0] for each in [*(calls or ()), *(not_run or ())]]
    assert all(isinstance(each, str) and each for each in ids)
    assert len(set(ids)) == len(ids)
    return {
        "text": text or None,
        "refusal": refusal or None,
        "reasoning": [
            {"redacted": data} if data else {"text": said or "", **({"signature": signature} if signature else {})}
            for said, signature, data in reasoning or ()
        ],
        "calls": [{"id": each, "name": name, "arguments": arguments} for each, name, arguments in calls or ()],
        "not_run": [name for _, name in not_run or ()],
        "finish_reason": finish_reason,
    }


async def ask(way: str, gateway: Payload) -> dict[str, Any]:
    """The meaning of the gateway's next reply, by one of the ways."""
    package, _, method = way.partition(" ")
    if package == "core":
        return of_completion(await _core(method, gateway))
    if package == "langchain":
        return of_message(await ask_langchain(gateway.langchain, method, "Hi"))
    llm = gateway.llamaindex
    messages = [ChatMessage(role="user", content="Hi")]
    match method:
        case "chat":
            response = llm.chat(messages)
        case "achat":
            response = await llm.achat(messages)
        case "stream_chat":
            *_, response = llm.stream_chat(messages)
        case _:
            response = [item async for item in await llm.astream_chat(messages)][-1]
    return of_response(llm, response)


async def _core(method: str, gateway: Payload) -> ChatCompletion:
    match method:
        case "create":
            return gateway.client.chat.completions.create(**ASK)
        case "collect":
            return gateway.client.chat.completions.create(**ASK, stream=True).collect()
        case "async create":
            return await gateway.async_client.chat.completions.create(**ASK)
    return await (await gateway.async_client.chat.completions.create(**ASK, stream=True)).collect()


def ask_at_once(way: str, gateway: Payload) -> dict[str, Any]:
    """The same by a way that waits for nothing, without an event loop."""
    try:
        ask(way, gateway).send(None)
    except StopIteration as ended:
        answer: dict[str, Any] = ended.value
        return answer
    raise AssertionError(way)


async def ask_for_object(way: str, gateway: Payload, *, by_tool: bool) -> Any:
    """The object that the gateway's next reply holds, by one of the ways, as a dictionary."""
    package, _, method = way.partition(" ")
    if package == "core":
        (choice,) = (await _core(method, gateway)).choices
        return structured_answer(
            choice.message.content,
            validate=validator(Thing),
            name="Thing",
            finish_reason=choice.finish_reason,
            refusal=choice.message.refusal,
            calls=read_calls(choice.message.tool_calls, choice.finish_reason),
            tool="Thing" if by_tool else None,
        ).model_dump()
    if package == "langchain":
        how, _, method = method.partition(" ")
        kind, _, form = how.partition("/")
        schema = Thing if kind == "class" else Thing.model_json_schema()
        items: list[Any] = []
        structured = gateway.langchain.with_structured_output(schema, method=form, include_raw=method.endswith("+raw"))
        plain = method.removesuffix("+raw")
        if "stream" in plain:
            source = structured.astream("Hi JSON") if plain == "astream" else structured.stream("Hi JSON")
            items = [item async for item in source] if plain == "astream" else list(source)
            found = items[-1]
        else:
            found = await ask_langchain(structured, plain, "Hi JSON")
        if method.endswith("+raw"):
            if found["parsing_error"] is not None:
                assert found["parsed"] is None
                raise found["parsing_error"]
            found = found["parsed"]
        return found.model_dump() if isinstance(found, BaseModel) else found
    llm, prompt = gateway.llamaindex, PromptTemplate("Hi")
    match method:
        case "predict":
            found = llm.structured_predict(Thing, prompt)
        case "apredict":
            found = await llm.astructured_predict(Thing, prompt)
        case "stream":
            *_, found = llm.stream_structured_predict(Thing, prompt)
        case _:
            found = [item async for item in await llm.astream_structured_predict(Thing, prompt)][-1]
    return found.model_dump()
