"""The plain text that goes beside a formatted mail: lists keep their marks, quotes their ">", links say where they go.

For HTML that was cleaned: it is well nested and not deep (cases.mail_html.tidy).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cases.mail_html.tokens import BLOCK_TAGS

__all__ = ["plain_text_of"]

PARAGRAPHS = frozenset({"blockquote", "h1", "h2", "h3", "ol", "p", "pre", "table", "ul"})
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def plain_text_of(html: str) -> str:
    """The words of cleaned HTML, as somebody would type them."""
    body = LexborHTMLParser(html).body
    return "" if body is None else _tidied("".join(_words(body, keeps_spaces=False))).replace("\u00a0", " ")


def _words(node: LexborNode, *, keeps_spaces: bool) -> Iterator[str]:
    number = 0
    for child in node.iter(include_text=True):
        tag = child.tag
        if tag == "-text":
            text = child.text_content or ""
            yield text if keeps_spaces else _SPACES.sub(" ", text)
        elif tag == "br":
            yield "\n"
        elif tag == "hr":
            yield "\n---\n"
        elif tag == "a":
            yield _link(child, keeps_spaces=keeps_spaces)
        elif tag == "li":
            number += 1
            yield _item(child, f"{number}. " if node.tag == "ol" else "- ")
        elif tag == "blockquote":
            yield f"\n\n{_prefixed(_inside(child), '> ')}\n\n"
        elif tag == "tr":
            cells = [_inside(cell).replace("\n", " ") for cell in child.iter() if cell.tag in ("td", "th")]
            yield "\n" + "\t".join(cells)
        elif tag == "pre":
            yield f"\n\n{''.join(_words(child, keeps_spaces=True))}\n\n"
        elif tag in PARAGRAPHS:
            yield f"\n\n{''.join(_words(child, keeps_spaces=keeps_spaces))}\n\n"
        elif tag in BLOCK_TAGS:
            yield f"\n{''.join(_words(child, keeps_spaces=keeps_spaces))}\n"
        else:
            yield from _words(child, keeps_spaces=keeps_spaces)


def _inside(node: LexborNode) -> str:
    return _tidied("".join(_words(node, keeps_spaces=False)))


def _link(node: LexborNode, *, keeps_spaces: bool) -> str:
    words = "".join(_words(node, keeps_spaces=keeps_spaces))
    url = (node.attributes.get("href") or "").removeprefix("mailto:").removeprefix("tel:")
    if not url or words.strip() in (url, url.rstrip("/"), url.removeprefix("https://"), url.removeprefix("http://")):
        return words
    return f"{words} <{url}>"


def _item(node: LexborNode, mark: str) -> str:
    lines = _inside(node).splitlines() or [""]
    return "\n" + mark + f"\n{' ' * len(mark)}".join(line for line in lines if line.strip() or len(lines) == 1)


def _prefixed(text: str, mark: str) -> str:
    return "\n".join(f"{mark}{line}".rstrip() for line in text.splitlines())


def _tidied(text: str) -> str:
    """Without blanks at the ends of lines, and never two blank lines in a row. Indents of lists and code stay."""
    lines = [line.rstrip(" ") for line in text.split("\n")]
    lines = [line[1:] if line.startswith(" ") and not line.startswith("  ") else line for line in lines]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
