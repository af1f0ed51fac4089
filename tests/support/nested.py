"""A plugin of pytest, `-p tests.support.nested`: event loops nest, as those of notebooks and of LlamaIndex do."""

import asyncio

import nest_asyncio

_loop = asyncio.new_event_loop()  # it would make one, and leave it open
nest_asyncio.apply(_loop)
_loop.close()
