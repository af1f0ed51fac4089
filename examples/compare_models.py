"""Three models by cost and latency over fifty prompts, as a table and a plot.

pip install ".[notebook]"
python examples/compare_models.py comparison.png
"""

import sys
from statistics import median

import matplotlib.pyplot as plt

from auriko import ChatCompletion, Client, SpendTracker, track_spend

MODELS = ["gpt-4o", "claude-sonnet-4-6", "deepseek-chat"]
CITIES = ["Oslo", "Lisbon", "Kyoto", "Quito", "Perth", "Dakar", "Riga", "Lima", "Cork", "Bern"]
FACTS = {
    "trains": "A train leaves {city} at 9:40. A ticket costs 12 euros. When does a train leave {city}?",
    "museums": "The museum of {city} opens at ten. It is closed on Mondays. When does the museum of {city} open?",
    "towers": "The tower of {city} is 38 metres high. It was built in 1902. How high is the tower of {city}?",
    "ferries": "The ferry to {city} takes 45 minutes. It runs daily. How long does the ferry to {city} take?",
    "bridges": "The bridge of {city} was built in 1877. It is red. When was the bridge of {city} built?",
}
PROMPTS = [text.format(city=city) for text in FACTS.values() for city in CITIES]


def ask(client: Client, model: str) -> tuple[list[ChatCompletion | Exception], SpendTracker]:
    """The replies of one model to every prompt, and what they cost."""
    requests = ({"model": model, "messages": [{"role": "user", "content": text}]} for text in PROMPTS)
    with track_spend(limit_usd=0.50, tags=[model]) as spend:
        replies = client.chat.completions.batch(requests, max_concurrency=4, progress=False)
    return list(replies), spend


def plot(found: dict[str, SpendTracker], file: str) -> None:
    """One box of latencies and one bar of cost for each model."""
    figure, (latency, cost) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    latency.boxplot([[record.duration_ms for record in spend.records] for spend in found.values()])
    latency.set_xticks(range(1, len(found) + 1), list(found))
    latency.set_title("Latency in ms")
    cost.bar(list(found), [spend.usd for spend in found.values()])
    cost.set_title(f"USD for {len(PROMPTS)} prompts")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Prints the table and writes the plot."""
    found: dict[str, SpendTracker] = {}
    print(f"{'model':<20}{'answers':>8}{'failed':>8}{'median ms':>11}{'USD':>11}")
    with Client() as client:
        for model in MODELS:
            replies, spend = ask(client, model)
            found[model] = spend
            failed = sum(isinstance(reply, Exception) for reply in replies)
            middle = median(record.duration_ms for record in spend.records)
            print(f"{model:<20}{len(replies) - failed:>8}{failed:>8}{middle:>11.1f}{spend.usd:>11.6f}")
    plot(found, sys.argv[1])


if __name__ == "__main__":
    main()
