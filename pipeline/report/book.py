"""The blocks a report is made of, and `show`, which ends a notebook cell.

A block is data, never markup: text reaches the page as strings, so nothing in a study's name can act on the page.
Emphasis
is a sequence of runs. `to_json` is what the page template reads, `to_markdown` what Jupyter shows.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass, fields, is_dataclass
from functools import singledispatch
from typing import Any

MIME = "application/vnd.peer-support.block+json"
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>$~])")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text with one look. `href` makes it a link."""

    text: str
    bold: bool = False
    italic: bool = False
    href: str = ""


Text = str | Run | tuple[str | Run, ...]


class Block:
    """Base of all blocks."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Title(Block):
    """Opens the document: `kicker` stands above the title, `subtitle` below it."""

    title: str
    subtitle: str
    kicker: str
    description: str


@dataclass(frozen=True, slots=True)
class Heading(Block):
    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph(Block):
    text: Text
    small: bool = False


@dataclass(frozen=True, slots=True)
class KeyFindings(Block):
    """The box a reader sees first."""

    title: str
    sentences: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Bullets(Block):
    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Figure(Block):
    """An SVG drawn at its printed width. `floats` lets text fill the page before a tall figure."""

    svg: bytes
    alt: str
    caption: str
    note: str = ""
    floats: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is a share of the text width; `align` is left, right or center."""

    label: str
    width: float = 1.0
    align: str = "left"


@dataclass(frozen=True, slots=True)
class DataTable(Block):
    """A table with a header row that repeats on every page. `strong` rows (by index) are set in bold."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Text, ...], ...]
    caption: str
    note: str = ""
    strong: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table '{self.caption}': every row needs {len(self.columns)} cells")


@dataclass(frozen=True, slots=True)
class Terms(Block):
    """A list of terms with their meaning."""

    items: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class References(Block):
    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class PageBreak(Block):
    """The next block opens a page."""


def clean(text: str) -> str:
    """One line of printable text: white space collapsed, control and bidirectional control characters made visible."""
    shown = (f"\u27e8U+{ord(c):04X}\u27e9" if c in _BIDI or _is_control(c) else c for c in text)
    return re.sub(r"[ \t\r\n]+", " ", "".join(shown))


def to_json(value: Any) -> Any:
    """A block (or anything inside one) as JSON values; every string cleaned; text always as a list of runs or a
    string."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, tuple | list):
        return [to_json(v) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        out = {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
        return {"block": type(value).__name__, **out} if isinstance(value, Block) else out
    return value


def plain(text: Text) -> str:
    """Text without its emphasis."""
    parts = text if isinstance(text, tuple) else (text,)
    return "".join(p.text if isinstance(p, Run) else p for p in parts)


def show(*blocks: Block) -> None:
    """End a notebook cell: display each block for the report and, as Markdown, for a reader in Jupyter."""
    from IPython.display import display

    for block in blocks:
        display({MIME: to_json(block), "text/markdown": to_markdown(block)}, raw=True)


def _is_control(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\t\n\r"


def _escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", clean(text))


def _inline(text: Text) -> str:
    out = []
    for part in text if isinstance(text, tuple) else (text,):
        run = part if isinstance(part, Run) else Run(part)
        mark = "**" if run.bold else "*" if run.italic else ""
        out.append(f"{mark}{_escape(run.text)}{mark}")
    return "".join(out)


@singledispatch
def to_markdown(block: Block) -> str:
    """The block as Markdown, for reading a notebook in Jupyter."""
    raise TypeError(f"no Markdown for {type(block).__name__}")


@to_markdown.register
def _(block: Title) -> str:
    return f"# {_escape(block.title)}\n\n{_escape(block.subtitle)}"


@to_markdown.register
def _(block: Heading) -> str:
    return f"{'#' * (block.level + 1)} {_escape(block.text)}"


@to_markdown.register
def _(block: Paragraph) -> str:
    return _inline(block.text)


@to_markdown.register
def _(block: KeyFindings) -> str:
    return f"> **{_escape(block.title)}**\n>\n" + "\n".join(f"> * {_inline(s)}" for s in block.sentences)


@to_markdown.register
def _(block: Bullets) -> str:
    return "\n".join(f"* {_inline(item)}" for item in block.items)


@to_markdown.register
def _(block: Figure) -> str:
    data = base64.b64encode(block.svg).decode()
    return (
        f"![{_escape(block.alt)}](data:image/svg+xml;base64,{data})\n\n*{_escape(block.caption)}* {_escape(block.note)}"
    )


@to_markdown.register
def _(block: DataTable) -> str:
    lines = ["| " + " | ".join(_escape(c.label) for c in block.columns) + " |", "|" + " --- |" * len(block.columns)]
    lines += ["| " + " | ".join(_inline(cell) for cell in row) + " |" for row in block.rows]
    return f"**{_escape(block.caption)}**\n\n" + "\n".join(lines) + (f"\n\n{_escape(block.note)}" if block.note else "")


@to_markdown.register
def _(block: Terms) -> str:
    return "\n".join(f"* **{_escape(term)}**: {_inline(meaning)}" for term, meaning in block.items)


@to_markdown.register
def _(block: References) -> str:
    return "\n".join(f"* {_inline(item)}" for item in block.items)


@to_markdown.register
def _(block: PageBreak) -> str:
    return "---"
