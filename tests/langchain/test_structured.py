"""Tools and structured answers, as they go out and as they come back."""

import json
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import Generation
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from auriko_langchain.errors import AurikoRefusalError
from tests.support.langchain_ways import call

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    """A person."""

    name: str = Field(description="The name.")
    age: int | None = None


class City(TypedDict):
    """A city."""

    name: str


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


SCHEMAS: list[Any] = [Person, City, Person.model_json_schema()]
METHODS = ["json_schema", "function_calling", "json_mode"]
WAYS = ["invoke", "ainvoke", "stream", "astream"]


def body(gateway, runnable):
    gateway.says('{"name": "Ann"}', message={"tool_calls": [CALL]})
    runnable.invoke("hi")
    return gateway.bodies[-1]


CALL = {"id": "c1", "type": "function", "function": {"name": "Person", "arguments": '{"name": "Ann", "age": 5}'}}


# -- tools ---------------------------------------------------------------------------------------------------------


def test_tools_of_every_make(gateway):
    def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    anthropic = {"name": "pick", "description": "Picks.", "input_schema": {"type": "object", "properties": {}}}
    bound = gateway.model().bind_tools([weather, add, Person, City, anthropic])
    assert isinstance(bound, RunnableBinding)
    sent = body(gateway, bound)["tools"]
    assert [t["function"]["name"] for t in sent] == ["weather", "add", "Person", "City", "pick"]
    assert {t["type"] for t in sent} == {"function"}
    assert sent[1]["function"]["parameters"]["required"] == ["a", "b"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("weather", {"type": "function", "function": {"name": "weather"}}),
        ({"type": "tool", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
        ({"type": "any"}, "required"),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_tool_choice(gateway, choice, sent):
    assert body(gateway, gateway.model().bind_tools([weather], tool_choice=choice)).get("tool_choice") == sent


def test_a_tool_that_is_not_there(gateway):
    with pytest.raises(ValueError, match=r"'wether'.*weather"):
        gateway.model().bind_tools([weather], tool_choice="wether")


def test_what_agents_bind(gateway):
    form = {"type": "json_schema", "json_schema": {"name": "Person", "schema": {"type": "object"}}}
    sent = body(gateway, gateway.model().bind_tools([], response_format=form, routing={"prefer": "p"}))
    assert sent["response_format"] == form
    assert sent["gateway"] == {"routing": {"prefer": "p"}}
    assert "tools" not in sent
    sent = body(gateway, gateway.model().bind_tools([weather], strict=True, parallel_tool_calls=False))
    assert sent["tools"][0]["function"]["strict"] is True
    assert sent["parallel_tool_calls"] is False
    sent = body(gateway, gateway.model().bind_tools([weather], response_format=Person))
    assert sent["response_format"]["json_schema"]["name"] == "Person"


def test_arguments_that_nobody_knows(gateway):
    with pytest.raises(TypeError, match="did you mean 'temperature'"):
        gateway.model().bind_tools([weather], temprature=1)


# -- structured answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", SCHEMAS, ids=["pydantic", "typeddict", "json_schema"])
def test_json_schema_goes_out(gateway, schema):
    form = body(gateway, gateway.model().with_structured_output(schema, strict=False))["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] in ("Person", "City")
    assert "name" in form["json_schema"]["schema"]["properties"]
    assert "strict" not in form["json_schema"]
    strict = body(gateway, gateway.model().with_structured_output(schema, strict=True))["response_format"]
    assert strict["json_schema"]["strict"] is True


def test_function_calling_and_json_mode_go_out(gateway):
    sent = body(gateway, gateway.model().with_structured_output(Person, method="function_calling"))
    assert sent["tools"][0]["function"]["name"] == "Person"
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "Person"}}
    sent = body(gateway, gateway.model().with_structured_output(Person, method="json_mode"))
    assert sent["response_format"] == {"type": "json_object"}
    assert "tools" not in sent


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", [Person, Person.model_json_schema()], ids=["pydantic", "json_schema"])
async def test_answers_are_parsed(gateway, way, method, schema):
    arguments = CALL["function"]["arguments"]
    if "stream" in way:
        pieces = [arguments[:5], arguments[5:14], arguments[14:]]
        if method == "function_calling":
            head = {"tool_calls": [{**CALL, "index": 0, "function": {"name": "Person", "arguments": ""}}]}
            gateway.streams(head, *({"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in pieces))
        else:
            gateway.streams(*pieces)
    elif method == "function_calling":
        gateway.says(message={"tool_calls": [CALL]})
    else:
        gateway.says(arguments)
    structured = gateway.model().with_structured_output(schema, method=method)
    if way == "invoke":
        answer = structured.invoke("hi")
    elif way == "ainvoke":
        answer = await structured.ainvoke("hi")
    elif way == "stream":
        *_, answer = structured.stream("hi")
    else:
        *_, answer = [a async for a in structured.astream("hi")]
    assert answer == (Person(name="Ann", age=5) if schema is Person else {"name": "Ann", "age": 5})


@pytest.mark.parametrize("method", METHODS)
def test_raw_answers_and_their_errors(gateway, method):
    structured = gateway.model().with_structured_output(Person, method=method, include_raw=True)
    gateway.says(CALL["function"]["arguments"], message={"tool_calls": [CALL]})
    answer = structured.invoke("hi")
    assert answer["parsed"] == Person(name="Ann", age=5)
    assert answer["parsing_error"] is None
    assert answer["raw"].response_metadata["cost"] == 0.0021
    broken = {**CALL, "function": {"name": "Person", "arguments": '{"age": "old"}'}}
    gateway.says('{"age": "old"}', message={"tool_calls": [broken]})
    answer = structured.invoke("hi")
    assert answer["parsed"] is None
    assert isinstance(answer["parsing_error"], ValueError)


def test_an_answer_that_does_not_follow_the_schema(gateway):
    gateway.says('{"age": "old"}')
    with pytest.raises(OutputParserException) as raised:
        gateway.model().with_structured_output(Person).invoke("hi")
    assert raised.value.llm_output == '{"age": "old"}'


def test_a_tools_object_that_is_streamed_as_text_comes_as_a_whole(gateway):
    """Some models write it instead of calling the tool; while it grows it is not known to be one."""
    gateway.streams('{"name": ', '"Ann"}')
    structured = gateway.model().with_structured_output(Person, method="function_calling")
    assert list(structured.stream("hi")) == [Person(name="Ann")]


def test_the_parser_of_a_chain_reads_texts_and_messages_of_others(gateway):
    parser = gateway.model().with_structured_output(Person).last
    text = '{"name": "Ann"}'
    for answer in (text, HumanMessage(text), AIMessage(text)):
        assert parser.invoke(answer) == Person(name="Ann")
    assert parser.parse(text) == Person(name="Ann")
    assert parser.parse_result([Generation(text='{"name": "Ann", "ag')], partial=True) == Person(name="Ann")
    assert parser.parse_result([Generation(text='{"na')], partial=True) is None


def test_chains_know_what_comes_out_of_them(gateway):
    model = gateway.model()
    assert model.with_structured_output(Person).OutputType is Person
    assert model.with_structured_output(City).OutputType is dict
    assert model.with_structured_output(Person, include_raw=True).OutputType is dict


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
async def test_refusals_are_errors(gateway, way, method):
    if "stream" in way:
        gateway.streams({"refusal": "I will"}, {"refusal": " not"})
    else:
        gateway.says(message={"refusal": "I will not"})
    structured = gateway.model().with_structured_output(Person, method=method)
    with pytest.raises(AurikoRefusalError, match="I will not"):
        await call(structured, way, "hi")


def test_a_refusal_beside_the_raw_answer(gateway):
    gateway.says(message={"refusal": "I will not"})
    answer = gateway.model().with_structured_output(Person, include_raw=True).invoke("hi")
    assert isinstance(answer["parsing_error"], AurikoRefusalError)
    assert answer["raw"].additional_kwargs["refusal"] == "I will not"


def test_structured_answers_take_arguments_of_calls(gateway):
    sent = body(gateway, gateway.model().with_structured_output(Person, routing={"optimize": "tps"}, temperature=0))
    assert sent["gateway"]["routing"] == {"optimize": "tps"}
    assert sent["temperature"] == 0
    with pytest.raises(TypeError, match="did you mean"):
        gateway.model().with_structured_output(Person, temprature=0)


@pytest.mark.parametrize("way", WAYS)
async def test_json_mode_tells_the_schema_where_the_prompt_does_not_speak_of_json(gateway, way):
    """Providers refuse JSON mode for a conversation in which the word does not occur."""
    for _ in range(2):
        scripted = gateway.streams if "stream" in way else gateway.says
        scripted(CALL["function"]["arguments"])
    structured = gateway.model().with_structured_output(Person, method="json_mode")
    await call(structured, way, "Who is Ann?")
    told, asked = gateway.bodies[-1]["messages"]
    assert asked == {"role": "user", "content": "Who is Ann?"}
    assert told["role"] == "system"
    assert json.loads(told["content"].split("\n")[1])["properties"].keys() == {"name", "age"}
    await call(structured, way, "Who is Ann? Answer as JSON with the keys name and age.")
    assert [message["role"] for message in gateway.bodies[-1]["messages"]] == ["user"]


def test_json_mode_tells_the_schema_after_a_template_too(gateway):
    gateway.says('{"name": "Ann"}')
    template = ChatPromptTemplate([("system", "Be brief."), ("human", "Who is {name}?")])
    chain = template | gateway.model().with_structured_output(Person, method="json_mode")
    assert chain.invoke({"name": "Ann"}) == Person(name="Ann")
    told, *asked = gateway.bodies[-1]["messages"]
    assert "JSON schema" in told["content"]
    assert [message["content"] for message in asked] == ["Be brief.", "Who is Ann?"]


def test_json_mode_without_a_schema(gateway):
    gateway.says('{"anything": [1]}')
    assert gateway.model().with_structured_output(method="json_mode").invoke("hi") == {"anything": [1]}


@pytest.mark.parametrize(("schema", "method"), [(None, "json_schema"), (Person, "magic")])
def test_what_is_no_structured_output(gateway, schema, method):
    with pytest.raises(ValueError, match="schema"):
        gateway.model().with_structured_output(schema, method=method)
