"""HTML from outside, made harmless: mails, and whatever else a platform lets strangers format.

What leaves `sanitise` holds no script, no form, no style sheet and nothing that a browser would fetch by
itself. Pictures keep their place as `data-cid` (a part of the same mail) or `data-src` (an address, or a
small picture written out); the screen turns those into `src` when it may. First the document is written anew
within bounds, then nh3, which has the last word, lets through what it knows to be safe. It is still to be
shown in a sandboxed frame: this is one wall of two.
"""

import re
from collections import Counter
from collections.abc import Sequence
from html import escape, unescape
from html.parser import HTMLParser

import nh3

MAX_HTML = 2_000_000
"""Characters of HTML that are looked at; the rest of a longer document is cut off."""

# A few kilobytes of unclosed tags can make an HTML5 parser build millions of elements (it reopens them in
# every paragraph), so nesting and number are bounded before one sees the document. Beyond, the words stay.
MAX_TAGS = 20_000
MAX_DEPTH = 100
MAX_FORMATTING = 8

# fmt: off
_FORMATTING = frozenset((
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt",
    "u", "var",
))
_BLOCKS = frozenset((
    "address", "article", "blockquote", "caption", "center", "col", "colgroup", "dd", "details", "div",
    "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "li", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "ul",
))
# fmt: on
_VOID = frozenset(("br", "col", "hr", "img", "wbr"))
_TAGS = _FORMATTING | _BLOCKS | _VOID
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href", "target"},
    "img": {"alt", "data-cid", "data-src", "height", "width"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "width"},
    "td": {"bgcolor", "colspan", "height", "rowspan", "width"},
    "th": {"bgcolor", "colspan", "height", "rowspan", "width"},
    "tr": {"bgcolor"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "li": {"value"},
}
# Nothing here takes an address, leaves the flow of the page, or covers what stands beside it.
# fmt: off
_STYLES = frozenset((
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left",
    "border-radius", "border-right", "border-spacing", "border-style", "border-top", "border-width",
    "color", "direction", "display", "font-family", "font-size", "font-style", "font-weight", "height",
    "letter-spacing", "line-height", "margin-bottom", "margin-left", "margin-right", "margin-top",
    "max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align",
    "white-space", "width", "word-break", "word-wrap",
))
# fmt: on
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=set(),
    attributes=_ATTRIBUTES,
    filter_style_properties=_STYLES,
    url_schemes={"http", "https", "mailto", "tel"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
# Every alternative consumes all that it looked at, if need be to the end of the document: the walk is linear.
_TOKEN = re.compile(
    r"""<!--(?:-?>|.*?(?:--!?>|\Z))
    | <(script|style|textarea|title|xmp|iframe|noembed|noframes|noscript|template|object|svg|math|select|audio
      |video|canvas)(?![a-z0-9]).*?(?:</\1(?![a-z0-9])[^>]*+(?:>|\Z)|\Z)
    | <(?:[!?]|/(?![a-z]))[^>]*+(?:>|\Z)
    | <(/?)([a-z][a-z0-9:-]*+)((?:[^>"']++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(
    r"""(?<![a-z-])([a-z][a-z-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE
)
_LINKS = ("http://", "https://", "mailto:", "tel:")
_PICTURE = re.compile(r"(?:https?://|data:image/(?:png|jpeg|gif|webp);base64,)", re.IGNORECASE)
# A start tag on the left ends what is open of the right, up to the nearest container.
_CELLS = frozenset(("td", "th"))
_ROWS = _CELLS | {"thead", "tbody", "tr"}
_PARAGRAPH = frozenset(("p",))
_ENDS: dict[str, frozenset[str]] = {
    "p": _PARAGRAPH,
    "li": frozenset(("li",)),
    "dt": frozenset(("dt", "dd")),
    "dd": frozenset(("dt", "dd")),
    "td": _CELLS,
    "th": _CELLS,
    "tr": _CELLS | {"tr"},
    "tbody": _ROWS,
    "tfoot": _ROWS,
}
for _block in (
    "div",
    "table",
    "ul",
    "ol",
    "dl",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
):
    _ENDS[_block] = _PARAGRAPH
_CONTAINERS = {"table", "ul", "ol", "dl", "div", "blockquote", "section", "article"}


class _Rebuilt:
    """Writes the tokens of a document anew: well nested, bounded, known tags only, pictures parked."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.open: list[str] = []
        self.formatting = 0
        self.tags = 0
        self.skipped: Counter[str] = Counter()

    def start(self, tag: str, attributes: str) -> None:
        ends = _ENDS.get(tag, frozenset())
        for depth in range(len(self.open) - 1, -1, -1):
            if self.open[depth] in ends:
                self._close_to(depth)
            elif self.open[depth] in _CONTAINERS or not ends:
                break
        self.tags += 1
        full = self.tags > MAX_TAGS or len(self.open) >= MAX_DEPTH
        if full or (tag in _FORMATTING and self.formatting >= MAX_FORMATTING):
            self.skipped[tag] += tag not in _VOID
            return
        self.out.append(f"<{tag}{''.join(_attributes(tag, attributes))}>")
        if tag not in _VOID:
            self.open.append(tag)
            self.formatting += tag in _FORMATTING

    def end(self, tag: str) -> None:
        if self.skipped[tag]:
            self.skipped[tag] -= 1
        elif tag in self.open:
            self._close_to(len(self.open) - 1 - self.open[::-1].index(tag))

    def _close_to(self, depth: int) -> None:
        while len(self.open) > depth:
            tag = self.open.pop()
            self.formatting -= tag in _FORMATTING
            self.out.append(f"</{tag}>")

    def whole(self) -> str:
        self._close_to(0)
        return "".join(self.out)


def _attributes(tag: str, written: str) -> list[str]:
    kept: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(written[:200_000]):
        name, value = name.lower(), unescape("".join(values)).strip()
        if name == "src" and tag == "img":
            if value[:4].lower() == "cid:":
                kept.setdefault("data-cid", value[4:])
            elif _PICTURE.match(value):
                kept.setdefault("data-src", value)
        elif _allowed(tag, name, value):
            kept.setdefault(name, value)
    return [f' {name}="{escape(value)}"' for name, value in kept.items()]


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and value.lower().startswith(_LINKS)
    if name == "style":
        return "url" not in value.lower() and "\\" not in value
    known = name in _ATTRIBUTES["*"] or name in _ATTRIBUTES.get(tag, ())
    return known and name not in ("data-cid", "data-src", "target")


def sanitise(html: str) -> str:
    """Return HTML that is safe to show in a sandboxed frame and fetches nothing by itself."""
    html = html[:MAX_HTML].replace("\x00", "")
    rebuilt = _Rebuilt()
    position = 0
    for token in _TOKEN.finditer(html):
        rebuilt.out.append(html[position : token.start()].replace("<", "&lt;"))
        position = token.end()
        tag = (token[3] or "").lower()
        if tag in _TAGS and token[2]:
            rebuilt.end(tag)
        elif tag in _TAGS:
            rebuilt.start(tag, token[4])
    rebuilt.out.append(html[position:].replace("<", "&lt;"))
    return _CLEANER.clean(rebuilt.whole())


class _Words(HTMLParser):
    """Reads the words of sanitised HTML: blocks become lines, quotations `> ` lines, links keep addresses."""

    _LINES = frozenset(_BLOCKS - {"col", "colgroup", "td", "th", "tbody", "thead", "tfoot"})
    _SPACED = frozenset({"p", "blockquote", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.pre = 0
        self.href = ""
        self.label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end_line(force=True)
        elif tag in self._LINES:
            self._end_line()
            if tag in self._SPACED:
                self._gap()
        if tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.pre += 1
        elif tag == "li":
            self.line.append("- ")
        elif tag in ("td", "th") and self.line:
            self.line.append(" ")
        elif tag == "a":
            self.href, self.label = dict(attrs).get("href") or "", []
        elif tag == "img":
            self._say(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.href:
            label = "".join(self.label).strip()
            bare = self.href.removeprefix("mailto:").removeprefix("tel:").rstrip("/")
            if label and not label.startswith("http") and bare.lower() != label.lower():
                self.line.append(f" ({self.href})")
            self.href = ""
        if tag not in self._LINES:
            return
        self._end_line()
        if tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)
        if tag in self._SPACED:
            self._gap()

    def handle_data(self, data: str) -> None:
        self._say(data)

    def _say(self, data: str) -> None:
        if self.href:
            self.label.append(data)
        if self.pre:
            first, *rest = data.split("\n")
            self.line.append(first)
            for piece in rest:
                self._end_line(force=True)
                self.line.append(piece)
        else:
            self.line.append(re.sub(r"[ \t\r\n\f]+", " ", data))

    def _end_line(self, *, force: bool = False) -> None:
        joined = "".join(self.line)
        words = joined.rstrip() if self.pre else re.sub(" {2,}", " ", joined).strip()
        self.line = []
        if words or force:
            self.lines.append(f"{'> ' * min(self.quotes, 8)}{words}".rstrip())

    def _gap(self) -> None:
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(("> " * min(self.quotes, 8)).rstrip())

    def words(self) -> str:
        """Return what was read, at most one blank line in a row."""
        self.close()
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")


class _Pictures(HTMLParser):
    """Gathers where a sanitised page wants pictures from."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "img" and name == "data-src" and value and value.startswith(("http://", "https://")):
                self.found.add(value)


def remote_pictures(page: str) -> set[str]:
    """Return the addresses of other hosts from which a sanitised page wants pictures."""
    parser = _Pictures()
    parser.feed(page)
    return parser.found


def text_of(html: str) -> str:
    """Return the words of any HTML as plain text."""
    reader = _Words()
    reader.feed(sanitise(html))
    return reader.words().replace("\u00a0", " ").strip()


_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；！？、）】》]{1,2000}")


def html_of(paragraphs: Sequence[str]) -> str:
    """Return simple HTML for plain text paragraphs: line breaks kept, addresses clickable."""
    return "".join(f"<p>{_linked(text).replace(chr(10), '<br>')}</p>" for text in paragraphs)


def _linked(text: str) -> str:
    pieces: list[str] = []
    position = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:!?)")
        pieces.append(escape(text[position : found.start()]))
        pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        position = found.start() + len(address)
    return "".join([*pieces, escape(text[position:])])
