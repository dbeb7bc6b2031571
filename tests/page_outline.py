"""What is on a page of HTML."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "line", "polyline", "img"}


class Outline(HTMLParser):
    """Words, headings and elements of a page; an element that is not closed in order is an error.

    `unclosed` are further elements that the page never closes.
    """

    def __init__(self, page: str, *unclosed: str):
        super().__init__()
        self.void = VOID | {*unclosed}
        self.open: list[str] = []
        self.words: list[str] = []
        self.headings: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.feed(page)
        assert not self.open, f"not closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())
        self.tags = {tag for tag, _ in self.elements}

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    def all(self, tag: str) -> list[dict]:
        """Attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]
