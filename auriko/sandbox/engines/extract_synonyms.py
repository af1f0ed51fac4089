"""Words that mean about the same, for questions that are asked in other words than the text uses."""

from __future__ import annotations

from functools import lru_cache

from auriko.sandbox.engines.extract_text import stem

_GROUPS = """
amount sum total quantity
answer reply response respond
allow permit may accept admit
forbid prohibit ban block exclude refuse disallow reject never
automatic automatically itself
ask request demand query want need require
attempt try tries retry again
author writer wrote written write
available reachable up online
unavailable down outage busy unreachable missing
balance money funds credit account
begin start first initial
big large great maximum most
bill billed charge charged cost pay price paid dollar usd fee expensive
broken break broke cut interrupted interrupt fail failed failure crash truncated
buy order purchase
call called name named title
cap ceiling limit maximum most longest highest bound upper
change alter modify edit adjust
cheap cheapest low inexpensive price
check verify validate test
choose pick select decide choice
city town place location
close end finish stop quit shut
combine together combination both join
compare versus against
connect connection link network
contain hold include have
create make build new add
date day when
default standard preset unless normally
delay pause wait sleep interval
delete remove drop erase discard omit
differ difference distinct
disable off deactivate
document file page text
drop ignore leave skip
email mail message
enable on activate
error exception problem mistake wrong failure trouble
exact precise
explain describe mean meaning stand definition
explicit explicitly ask yourself
extra additional further more another other
fast quick quickly rapid speed swift soon throughput
find look search locate seek lookup
fix repair solve correct resolve
follow obey redirect
forget lose lost
frequent often times twice
guarantee ensure sure promise always certain
hidden hide invisible secret exclude
human person people user
identify id identifier name
improve better optimise optimize
increase grow raise rise
information detail fact figure data
kind type sort class
know tell say learn report show
language tongue
late slow delay
least minimum lowest smallest
length long size
list enumerate catalogue
maximal maximum
minute second hour
model engine llm
multiply times product
sum plus add addition
subtract minus difference
divide division
next following subsequent
number count many
optimise optimize ranking rank strategy
option setting parameter field argument
own custom mine personal yourself
parcel package shipment delivery
part piece portion chunk
people person guest passenger traveller
percent share proportion
period daily weekly monthly
phone telephone mobile
preferred prefer favourite wish hint favour
privacy private data
provider vendor supplier host
purpose use goal
rain weather sunny cold warm hot temperature forecast snow wind climate degrees
reset renew restart
reason because why cause
remember store keep save retain
return give yield bring
room chamber
safe secure security protect
send transmit submit pass
several multiple many various
spend spending spent expense
support help assistance
supported unsupported lack support know
switch turn toggle
lamp light bulb
teach train training
thought reasoning think
time clock hour
top first best highest rank
track tracker count
trip travel flight journey
window context
appear arrive come
broken unusable
currency money exchange
expire expired timeout
spell spelling typo misspelt
""".strip().splitlines()


def _by_stem() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _GROUPS:
        stems = {stem(word) for word in group.split()}
        for one in stems:
            found.setdefault(one, set()).update(stems - {one})
    return {one: frozenset(others) for one, others in found.items()}


_SYNONYMS = _by_stem()
_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=10_000)
def synonyms(term: str) -> frozenset[str]:
    """The stems that mean about the same as the stem `term`, without itself."""
    return _SYNONYMS.get(term, _NONE)
