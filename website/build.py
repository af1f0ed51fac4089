"""Builds the documentation site into site/, from README, docs/, notebooks/, examples/ and the docstrings.

    python website/build.py

Sphinx, since it builds all of it: Markdown by MyST, notebooks with the outputs that they have, a reference from the
docstrings, a search that needs no server, and a check of every link and anchor. (Zensical, the successor of Material
for MkDocs, renders no notebooks so far.) A warning is an error.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from check import check_links

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "site"
BUILT = ROOT / "build" / "html"  # beside it, myst-nb lays what it has read
SITE = ROOT / "site"
FOR_MACHINES = SOURCE / "extra"

# What people come for, in this order; the rest follows.
FIRST = {
    "installing": "Installing",
    "langchain": "LangChain",
    "llamaindex": "LlamaIndex",
    "frameworks": "Frameworks",
    "routing": "Routing",
    "spend": "Spend and budgets",
    "cost": "Cost",
    "errors": "Errors",
    "batches": "Batches",
    "sandbox": "Sandbox",
    "performance": "Performance",
    "migration": "Migration",
}
REFERENCE = {
    "auriko": "Client AsyncClient RawResponse ResponseHeaders Stream AsyncStream ChatAccumulator map_openai_error",
    "auriko.routing": "",
    "auriko.models": "",
    "auriko.errors": "",
    "auriko.spend": "",
    "auriko.candidates": "",
    "auriko.estimate": "",
    "auriko.notebook": "",
    "auriko.sandbox": "",
    "auriko.pytest_plugin": "",
    "auriko_langchain": "",
    "auriko_langchain.middleware": "",
    "auriko_langchain.errors": "",
    "auriko_llamaindex": "",
}


def write(name: str, text: str) -> None:
    """Writes a page of the site's source."""
    (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
    (SOURCE / name).write_text(text.rstrip() + "\n", "utf-8")


def toctree(caption: str, entries: list[str]) -> str:
    """A part of the navigation."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""])


def title_of(text: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1] if found else ""


def lay_out() -> dict[str, str]:
    """Lays out the source; the text of every page that a person has written, by its name."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE)  # with their pictures
    pages = {page.stem: page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}
    pages = {name: text.replace("](../README.md", "](index.md") for name, text in pages.items()}
    pages["changelog"] = (ROOT / "CHANGELOG.md").read_text("utf-8").replace("](docs/", "](")
    pages["examples"] = examples()
    for name, text in pages.items():
        write(f"{name}.md", text)
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for notebook in notebooks:
        (SOURCE / "notebooks").mkdir(exist_ok=True)
        shutil.copy(notebook, SOURCE / "notebooks")
    write("reference.md", reference())
    first = [name for name in FIRST if name in pages]
    rest = [name for name in pages if name not in {*first, "changelog", "examples", "architecture", "reliability"}]
    parts = [
        toctree("What people come for", ["Start <self>", *(f"{FIRST[name]} <{name}>" for name in first), "reference"]),
        toctree("Programs", [*rest, "examples"]),
        toctree("Notebooks", [f"notebooks/{notebook.stem}" for notebook in notebooks]),
        toctree("The project", ["architecture", "reliability", "changelog"]),
    ]
    start = start_page()
    write("index.md", start + "\n\n" + "\n".join(parts))
    return {
        "index": start,
        **{name: pages[name] for name in [*first, *rest, "examples", "architecture", "reliability"]},
    }


def start_page() -> str:
    """The README, whose links lead to where its pages are on the site."""
    text = (ROOT / "README.md").read_text("utf-8")
    text = text.replace("](docs/", "](").replace("](notebooks)", "](notebooks/01_quickstart.ipynb)")
    text = re.sub(r"\]\(examples/(\w+)\.py\)", r"](examples.md#\1py)", text)
    return text.replace("](examples)", "](examples.md)")


def examples() -> str:
    """One page of all programs."""
    parts = [
        "# Examples\n\nPrograms of at most 80 lines, each run by a test. They are in the checkout, in `examples/`."
    ]
    for file in sorted((ROOT / "examples").glob("*.py")):
        code = file.read_text("utf-8")
        (said, *_) = (ast.get_docstring(ast.parse(code)) or "").splitlines()
        parts.append(f"## {file.name}\n\n{said}\n\n```python\n{code}```")
    return "\n\n".join(parts)


def reference() -> str:
    """The pages of the reference, by module, and the one that lists them."""
    for module, names in REFERENCE.items():
        if names:
            entries = [f".. autoclass:: {module}.{name}" for name in names.split() if name[0].isupper()]
            entries += [f".. autofunction:: {module}.{name}" for name in names.split() if name[0].islower()]
            body = "\n".join(f"{entry}\n" for entry in entries)
        else:
            listed = "   :imported-members:\n" if hasattr(import_module(module), "__all__") else ""
            body = f".. automodule:: {module}\n{listed}"
        write(f"reference/{module}.rst", f"{module}\n{'=' * len(module)}\n\n{body}")
    listed = "\n".join(f"reference/{module}" for module in REFERENCE)
    text = "Every public name, with what it returns, takes and raises.\n\n"
    return f"# Reference\n\n{text}```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"


def notebook_text(path: Path) -> str:
    """A notebook as Markdown: its prose, its code, and what that printed."""
    parts = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            told = "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
            if told.strip():
                parts.append(f"```text\n{told.rstrip()}\n```")
    return "\n\n".join(parts)


def write_for_machines(pages: dict[str, str]) -> None:
    """llms.txt, which lists the pages (llmstxt.org), and llms-full.txt, which holds them."""
    notebooks = {f"notebooks/{path.stem}": notebook_text(path) for path in sorted(SOURCE.glob("notebooks/*.ipynb"))}
    texts = {**pages, **notebooks}
    summary = pages["index"].split("\n\n")[1].replace("\n", " ")
    lines = [f"- [{title_of(text)}]({name}.html)" for name, text in texts.items()]
    FOR_MACHINES.mkdir()
    (FOR_MACHINES / "llms.txt").write_text("\n".join([f"# auriko\n\n> {summary}\n\n## Pages\n", *lines, ""]), "utf-8")
    (FOR_MACHINES / "llms-full.txt").write_text("\n\n".join(texts.values()) + "\n", "utf-8")


def main() -> None:
    """Builds and checks."""
    write_for_machines(lay_out())
    for old in (BUILT, SITE):
        shutil.rmtree(old, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-c", str(ROOT / "website")]
    command += ["-d", str(ROOT / "build" / "doctrees"), "-D", f"html_extra_path={FOR_MACHINES}"]
    done = subprocess.run([*command, str(SOURCE), str(BUILT)], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    BUILT.rename(SITE)
    wrong = check_links(SITE)
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
