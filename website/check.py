"""Looks whether every link of the built site leads to a page, and every anchor to a place on it."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places on it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what a tag links to, and what it is called."""
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.add(value)
            elif name in {"id", "name"} and value and tag != "meta":
                self.places.add(value)


def check_links(site: Path) -> list[str]:
    """What is wrong, a line for each link that leads nowhere."""
    pages = {file.resolve(): Page(file.read_text("utf-8")) for file in site.rglob("*.html")}
    wrong: list[str] = []
    for file, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            place = unquote(parts.fragment)
            if not target.exists():
                wrong.append(f"{file.name}: {link} leads to no page")
            elif place and target in pages and place not in pages[target].places:
                wrong.append(f"{file.name}: {link} leads to no place on its page")
    return wrong
