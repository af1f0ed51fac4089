"""Breaks JSON at random: its bytes, its types, its nesting."""

import copy
import json
import random
from typing import Any

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    10**25,
    "",
    "x",
    "\u2028",
    "\x00",
    [],
    {},
    [[]],
    [None],
    {"error": None},
]
NUMBERS = [b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"-0", b"0.1e-400", b"007", b"+1"]
TEXTS = [b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff"', b'"\\u0000"', b'"\\x"', b'"' + b"y" * 5000 + b'"']


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [here]
    if isinstance(value, dict):
        for name, part in value.items():
            found += paths(part, (*here, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += paths(part, (*here, index))
    return found


def change(value: Any, chance: random.Random) -> Any:
    """The value with one place changed: replaced, removed, doubled, nested or given a new name."""
    value = copy.deepcopy(value)
    *way, last = chance.choice(paths(value)[1:])
    holder = value
    for step in way:
        holder = holder[step]
    kind = chance.randrange(5)
    if kind == 0:
        holder[last] = copy.deepcopy(chance.choice(ODD))
    elif kind == 1:
        del holder[last]
    elif kind == 2:
        holder[last] = [holder[last]] * chance.randrange(1, 3)
    elif kind == 3:
        nested: Any = holder[last]
        for _ in range(chance.choice([1, 2, 50, 300])):
            nested = {"a": nested} if chance.random() < 0.5 else [nested]
        holder[last] = nested
    elif isinstance(holder, dict):
        holder[chance.choice(["error", "new", "", "choices", "id"])] = holder.pop(last)
    return value


def damage(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one place damaged."""
    place = chance.randrange(len(data))
    kind = chance.randrange(7)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place]
    if kind == 2:
        return data[:place] + chance.randbytes(chance.randrange(1, 9)) + data[place:]
    if kind == 3:
        end = min(len(data), place + chance.randrange(1, 40))
        return data[:place] + data[end:]
    if kind == 4:
        return data.replace(b":", b": " + chance.choice(NUMBERS) + b', "x":', 1 + chance.randrange(3))
    if kind == 5:
        return data.replace(b'"', chance.choice(TEXTS) + b'"', 1)
    return data[place:] + data[:place]


def mutated(value: Any, chance: random.Random) -> bytes:
    """The value as JSON with one to three mutations."""
    for _ in range(chance.randrange(3)):
        if isinstance(value, dict) and len(paths(value)) > 1:
            value = change(value, chance)
    data = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return damage(data, chance) if chance.random() < 0.6 else data
