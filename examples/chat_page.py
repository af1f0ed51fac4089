"""A page to chat on, which shows what each answer and the whole conversation cost.

pip install . streamlit
streamlit run examples/chat_page.py
"""

from collections.abc import Iterator

import streamlit as st

from auriko import AurikoAPIError, Client, RoutingMetadata

MODELS = ["gpt-4o-mini", "deepseek-chat", "gpt-4o"]


@st.cache_resource
def client() -> Client:
    """One client for all sessions: its connections are used again."""
    return Client()


def told(metadata: RoutingMetadata | None) -> str:
    """Who answered and what it cost, in one line; an unknown cost is not 0."""
    if metadata is None:
        return "cost unknown"
    cost = metadata.cost.usd if metadata.cost is not None else None
    return f"{metadata.model_canonical} by {metadata.provider}, {'cost unknown' if cost is None else f'${cost:.6f}'}"


def answer(messages: list[dict[str, str]], strategy: str) -> Iterator[str]:
    """The pieces of an answer; its metadata is left in the session."""
    gateway = {"models": MODELS, "routing": {"optimize": strategy}}
    with client().chat.completions.create(gateway=gateway, messages=messages, stream=True) as stream:
        yield from stream.text_deltas()
        st.session_state.metadata = stream.routing_metadata


st.title("Chat")
strategy = st.sidebar.selectbox("Optimize for", ["cost", "ttft", "throughput"])
history = st.session_state.setdefault("history", [])  # (role, text, who answered)
for role, text, who in history:
    with st.chat_message(role):
        st.write(text)
        if who:
            st.caption(who)

if question := st.chat_input("Ask something"):
    history.append(("user", question, None))
    with st.chat_message("user"):
        st.write(question)
    with st.chat_message("assistant"):
        try:
            text = st.write_stream(answer([{"role": role, "content": text} for role, text, _ in history], strategy))
        except AurikoAPIError as error:
            history.pop()  # so that the next question is not the second in a row
            st.error(str(error))
        else:
            metadata = st.session_state.metadata
            history.append(("assistant", text, told(metadata)))
            st.caption(told(metadata))
            cost = metadata.cost.usd if metadata is not None and metadata.cost is not None else None
            st.session_state.usd = st.session_state.get("usd", 0.0) + (cost or 0.0)
st.sidebar.metric("USD in all", f"{st.session_state.get('usd', 0.0):.6f}")
