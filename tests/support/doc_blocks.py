"""The Python of a Markdown page, to be run as it stands."""

import re
from typing import NamedTuple

FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced piece of Python and the line of its page where it starts."""

    code: str
    line: int


def python_blocks(page):
    text = page.read_text("utf-8")
    return [Block(match[1], text.count("\n", 0, match.start()) + 2) for match in FENCE.finditer(text)]


def run_block(block, page, namespace):
    """Runs a block so that a traceback names the page and its line; top-level await is allowed, as in a notebook."""
    import ast
    import asyncio
    import inspect

    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile("\n" * (block.line - 1) + block.code, str(page), "exec", flags=flags, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)
