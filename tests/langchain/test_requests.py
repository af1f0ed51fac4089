"""What goes out: fields of the constructor, of `bind` and of the call, merged."""

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import ConfigurableField, RunnableBinding
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from auriko import GatewayMetadata, RoutingOptions
from auriko_langchain import ChatAuriko
from tests.support.langchain_ways import WAYS, call


def sent(gateway, runnable, /, *args, **kwargs):
    """The body of the request that this call makes, without its messages."""
    gateway.says("{}")
    runnable.invoke("hi", *args, **kwargs)
    return {name: value for name, value in gateway.bodies[-1].items() if name != "messages"}


FIELDS = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "min_p": 0.1,
    "top_a": 0.2,
    "repetition_penalty": 1.1,
    "frequency_penalty": 0.3,
    "presence_penalty": 0.4,
    "reasoning_effort": "low",
    "reasoning": {"exclude": True},
    "stop": ["x"],
    "seed": 7,
    "n": 1,
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50256": -100},
    "user": "u",
    "web_search_options": {"a": 1},
    "verbosity": "low",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "extensions": {"anthropic": {"metadata": {"user_id": "u"}}},
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_by_the_constructor_and_by_the_call(gateway, name):
    expected = {"model": "m-1", name: FIELDS[name]}
    assert sent(gateway, gateway.model(**{name: FIELDS[name]})) == expected
    assert sent(gateway, gateway.model(), **{name: FIELDS[name]}) == expected
    assert sent(gateway, gateway.model().bind(**{name: FIELDS[name]})) == expected


def test_nothing_is_sent_that_was_not_said(gateway):
    assert sent(gateway, gateway.model()) == {"model": "m-1"}


def test_fields_of_zero_are_said(gateway):
    assert sent(gateway, gateway.model(temperature=0, seed=0)) == {"model": "m-1", "temperature": 0, "seed": 0}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_goes_out_under_its_present_name(gateway, name):
    expected = {"model": "m-1", "max_completion_tokens": 9}
    assert sent(gateway, gateway.model(**{name: 9})) == expected
    assert sent(gateway, gateway.model(max_tokens=5), **{name: 9}) == expected


def test_a_call_can_unset_a_field(gateway):
    assert sent(gateway, gateway.model(temperature=0.5), temperature=None) == {"model": "m-1"}


def test_stop(gateway):
    assert "stop" not in sent(gateway, gateway.model(stop=[]))
    assert sent(gateway, gateway.model(stop=["a"]))["stop"] == ["a"]
    assert sent(gateway, gateway.model(stop_sequences=["a"]), stop=["b"])["stop"] == ["b"]


def test_further_fields(gateway):
    model = gateway.model(model_kwargs={"a": 1, "b": 1}, extra_body={"b": 2})
    assert sent(gateway, model) == {"model": "m-1", "a": 1, "b": 2}


@pytest.mark.parametrize("routing", [{"optimize": "ttft"}, RoutingOptions(optimize="ttft")], ids=["dict", "object"])
@pytest.mark.parametrize("how", ["constructor", "call", "bind", "with_routing"])
def test_routing(gateway, how, routing):
    model = gateway.model(models=["a", "b"])
    if how == "constructor":
        body = sent(gateway, gateway.model(models=["a", "b"], routing=routing))
    elif how == "call":
        body = sent(gateway, model, routing=routing)
    elif how == "bind":
        body = sent(gateway, model.bind(routing=routing))
    else:
        body = sent(gateway, model.with_routing(routing))
    assert body == {"gateway": {"models": ["a", "b"], "routing": {"optimize": "ttft"}}}


def test_routing_is_merged_option_by_option(gateway):
    model = gateway.model(routing={"optimize": "cost", "prefer": "p", "max_ttft_ms": 100})
    bound = model.bind(temperature=0).bind(routing={"max_ttft_ms": 200}).bind(routing=RoutingOptions(tier="priority"))
    assert isinstance(bound, RunnableBinding)
    assert sent(gateway, bound, routing={"optimize": "ttft"})["gateway"]["routing"] == {
        "optimize": "ttft",
        "prefer": "p",
        "max_ttft_ms": 200,
        "tier": "priority",
    }
    assert sent(gateway, bound)["temperature"] == 0
    assert model.routing == RoutingOptions(optimize="cost", prefer="p", max_ttft_ms=100)


def test_labels_are_merged_one_by_one(gateway):
    model = gateway.model(gateway_metadata=GatewayMetadata(user_id="u", tags=["a"]))
    metadata = sent(gateway, model.bind(gateway_metadata={"trace_id": "t"}), gateway_metadata={"tags": ["b"]})
    assert metadata["gateway"]["metadata"] == {"user_id": "u", "tags": ["b"], "trace_id": "t"}


@pytest.mark.parametrize("name", ["extensions", "extra_body", "reasoning"])
@pytest.mark.parametrize("how", ["call", "bind", "bind twice"])
def test_other_objects_of_options_are_merged_too(gateway, name, how):
    model = gateway.model(**{name: {"a": {"x": 1, "y": 1}, "b": {"z": 1}}})
    over = {name: {"a": {"x": 2}}}
    if how == "call":
        body = sent(gateway, model, **over)
    elif how == "bind":
        body = sent(gateway, model.bind(**over))
    else:
        body = sent(gateway, gateway.model().bind(**{name: {"a": {"y": 1}, "b": {"z": 1}}}).bind(**over))
    fields = body if name == "extra_body" else body[name]
    assert (fields["a"], fields["b"]) == ({"x": 2, "y": 1}, {"z": 1})
    assert getattr(model, name)["a"] == {"x": 1, "y": 1}


def test_what_is_bound_stays_when_tools_a_form_or_routing_are_bound_after_it(gateway):
    bound = gateway.model(routing={"optimize": "cost"}).bind(temperature=0.1, routing={"prefer": "p"})
    form = {"title": "Name", "type": "object", "properties": {"name": {"type": "string"}}}
    tools = [{"title": name, "description": name, "type": "object", "properties": {}} for name in ("one", "two")]
    tooled = bound.bind_tools(tools[:1], tool_choice="one", seed=1)
    for runnable in (tooled, bound.with_structured_output(form), bound.with_routing(tier="priority")):
        body = sent(gateway, runnable)
        assert body["temperature"] == 0.1
        assert body["gateway"]["routing"].items() >= {"optimize": "cost", "prefer": "p"}.items()
    again = sent(gateway, tooled.bind_tools(tools[1:]))
    assert [tool["function"]["name"] for tool in again["tools"]] == ["two"]
    assert "tool_choice" not in again
    assert again["seed"] == 1


def test_tags_of_a_binding_stay_too(gateway):
    tooled = gateway.model().bind(seed=1).with_config(tags=["a"]).bind_tools([])
    gateway.says("ok")
    collector = RunCollectorCallbackHandler()
    tooled.invoke("hi", {"callbacks": [collector]})
    assert "a" in collector.traced_runs[0].tags


def test_with_routing_takes_options_by_name(gateway):
    model = gateway.model(routing={"optimize": "cost"})
    other = model.with_routing({"prefer": "p"}, optimize="ttft")
    assert isinstance(other, ChatAuriko)
    assert sent(gateway, other)["gateway"]["routing"] == {"optimize": "ttft", "prefer": "p"}
    assert sent(gateway, model)["gateway"]["routing"] == {"optimize": "cost"}
    with pytest.raises(ValueError, match="did you mean 'optimize'"):
        model.with_routing(optimise="ttft")


def test_model_and_models_replace_each_other(gateway):
    one, many = gateway.model(), gateway.model(models=["a", "b"], routing={"mode": "fallback"})
    assert sent(gateway, one, models=["c"]) == {"gateway": {"models": ["c"]}}
    assert sent(gateway, many, model="c") == {"model": "c", "gateway": {"routing": {"mode": "fallback"}}}
    assert sent(gateway, many, models=["c"])["gateway"]["models"] == ["c"]
    with pytest.raises(ValueError, match="not both"):
        one.invoke("hi", model="a", models=["b"])


def test_configurable_fields(gateway):
    model = gateway.model(routing={"optimize": "cost"}).configurable_fields(
        routing=ConfigurableField(id="routing"), temperature=ConfigurableField(id="temperature")
    )
    config = {"configurable": {"routing": {"optimize": "tps"}, "temperature": 0.1}}
    body = sent(gateway, model, config)
    assert body["gateway"]["routing"] == {"optimize": "tps"}
    assert body["temperature"] == 0.1
    assert sent(gateway, model)["gateway"]["routing"] == {"optimize": "cost"}


def test_a_field_that_is_assigned_later_counts(gateway):
    model = gateway.model(temperature=0.1)
    sent(gateway, model)
    model.temperature = 0.2
    model.routing = {"prefer": "p"}
    assert sent(gateway, model) == {"model": "m-1", "temperature": 0.2, "gateway": {"routing": {"prefer": "p"}}}


def test_options_of_the_client_for_one_call(gateway):
    gateway.says("ok")
    gateway.model(default_headers={"X-A": "1"}).invoke("hi", extra_headers={"X-B": "2"}, idempotency_key="k")
    headers = gateway.headers[-1]
    assert (headers["x-a"], headers["x-b"], headers["idempotency-key"]) == ("1", "2", "k")
    assert headers["authorization"] == "Bearer ak_test_scripted"


# -- labels out of LangChain's config ------------------------------------------------------------------------------

CONFIG = {"tags": ["app"], "metadata": {"user_id": 7, "other": "x"}, "run_id": "8c5e9d2a-0000-4000-8000-000000000001"}
LABELS = {"tags": ["own", "app"], "user_id": "7", "trace_id": CONFIG["run_id"]}


def labelled(gateway):
    return gateway.model(label_from_config=True, gateway_metadata={"tags": ["own"]})


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_labels_from_the_config(gateway, way):
    if "stream" in way:
        gateway.streams("x")
    else:
        gateway.says("x")
    await call(labelled(gateway), way, "hi", CONFIG)
    assert gateway.bodies[0]["gateway"]["metadata"] == LABELS


def test_labels_of_a_run_that_came_another_way(gateway):
    gateway.says("x")
    result = labelled(gateway).generate([[HumanMessage("hi")]], tags=["app"], metadata={"user_id": 7})
    expected = {"tags": ["own", "app"], "user_id": "7", "trace_id": str(result.run[0].run_id)}
    assert gateway.bodies[0]["gateway"]["metadata"] == expected


def test_labels_are_only_sent_if_they_are_asked_for(gateway):
    assert sent(gateway, gateway.model(), CONFIG) == {"model": "m-1"}


def test_a_config_without_tags_and_a_user_labels_with_its_run_alone(gateway):
    body = sent(gateway, gateway.model(label_from_config=True), {"run_id": CONFIG["run_id"]})
    assert body["gateway"]["metadata"] == {"trace_id": CONFIG["run_id"]}


def test_a_calls_own_labels_win(gateway):
    body = sent(gateway, labelled(gateway), CONFIG, gateway_metadata={"trace_id": "mine"})
    assert body["gateway"]["metadata"] == {**LABELS, "trace_id": "mine"}


# -- what is refused before any request ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"modle": "x"}, TypeError, "unknown argument 'modle'; did you mean 'model'"),
        ({"model": None}, ValueError, "either model"),
        ({"model": "a", "models": ["b"]}, ValueError, "either model"),
        ({"models": []}, ValueError, "at least 1"),
        ({"models": ["m"] * 11}, ValueError, "at most 10"),
        ({"routing": {"optimise": "cost"}}, ValueError, "did you mean 'optimize'"),
        ({"routing": {"optimize": "speed"}}, ValueError, "cost-focus"),
        ({"gateway_metadata": {"team": "x"}}, ValueError, "custom_fields"),
        ({"max_retries": -1}, ValueError, "max_retries"),
        ({"timeout": 0}, ValueError, "timeout"),
        ({"base_url": "ftp://x"}, ValueError, "http"),
        ({"base_url": "https://u:p@x/v1"}, ValueError, "user name or password"),
        ({"api_key": "ak bad"}, ValueError, "space"),
        ({"temperature": "hot"}, ValueError, "temperature"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, TypeError, "another name of 'max_tokens'"),
    ],
)
def test_settings_that_are_refused(gateway, settings, error, said):
    with pytest.raises(error, match=said) as raised:
        gateway.model(**settings)
    assert "ak bad" not in str(raised.value)
    assert "ak_test_scripted" not in str(raised.value)


@pytest.mark.parametrize(
    ("names", "settings", "said"),
    [(("a", "b"), {}, "one argument without a name, the model; 2 were given"), (("a",), {"model": "b"}, "given twice")],
)
def test_a_model_is_named_once(names, settings, said):
    with pytest.raises(TypeError, match=said):
        ChatAuriko(*names, api_key="ak_x", **settings)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ({"temprature": 1}, TypeError, "did you mean 'temperature'"),
        ({"modles": ["a"]}, TypeError, "did you mean 'models'"),
        ({"routing": {"optimise": "cost"}}, ValueError, "did you mean 'optimize'"),
        ({"temperature": float("nan")}, ValueError, "temperature"),
        ({"extra_body": {"a": {1, 2}}}, (TypeError, ValueError), "extra_body|set"),
        ({"extensions": {"thinking": {"enabled": True}}}, ValueError, "reasoning_effort"),
    ],
)
def test_calls_that_are_refused(gateway, call, error, said):
    with pytest.raises(error, match=said):
        gateway.model().invoke("hi", **call)
    with pytest.raises(error, match=said):
        gateway.model().bind(**call).invoke("hi")
    assert gateway.bodies == []


def test_the_key_comes_from_its_own_variable_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    with pytest.raises(Exception, match=r"AURIKO_API_KEY.*auriko sandbox"):
        ChatAuriko(model="m")
    monkeypatch.setenv("AURIKO_API_KEY", "ak_env")
    assert ChatAuriko(model="m").api_key.get_secret_value() == "ak_env"
    assert ChatAuriko(model="m", api_key="ak_arg").api_key.get_secret_value() == "ak_arg"
