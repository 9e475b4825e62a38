"""Plain text of an HTML body, with the quote marks that mail programs leave in it. Pure, linear and bounded.

Nothing here makes HTML safe to show; it only reads words. Before the HTML parser sees a mail, tags that carry no line
structure are dropped and the number of the others is capped: thousands of open elements or of formatting elements cost
a conforming parser quadratic time, and none of them changes the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cases.inbound.analysis.lines import (
    MARK_ATTRIBUTION,
    MARK_CUT,
    MARK_SIGNATURE,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_LINES,
    Line,
)

MAX_HTML = 1_500_000
MAX_TAGS = 12_000
MAX_TAG_LENGTH = 4_000

_BREAKING = frozenset(
    [
        "address",
        "article",
        "aside",
        "body",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "blockquote",
    ]
)
_SPACED = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "pre"])
_CELLS = frozenset(("td", "th"))
_SILENT = frozenset(
    [
        "head",
        "script",
        "style",
        "title",
        "template",
        "noscript",
        "object",
        "iframe",
        "svg",
        "math",
        "textarea",
        "select",
    ]
)
_KEPT = _BREAKING | _CELLS | _SILENT | frozenset(("br",))
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:_-]{0,20})")
_TAG_STOP = re.compile(r"[>\"']")
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")

# Elements that hold a whole earlier mail. Outlook on the web copies foreign classes with an "x_" before them.
_QUOTE_CLASSES = frozenset(
    (
        "yahoo_quoted",
        "zmail_extra",
        "protonmail_quote",
        "tutanota_quote",
        "ms-outlook-mobile-reference-message",
        "front-blockquote",
        "hs_reply",
    )
)
_QUOTE_IDS = frozenset(("mail-editor-reference-message-container", "isreplycontent", "isforwardcontent"))
# Elements after which the earlier mail follows as siblings.
_CUT_CLASSES = frozenset(("outlookmessageheader",))
_CUT_IDS = frozenset(("divrplyfwdmsg", "olk_src_body_section", "stopspelling"))
_ATTRIBUTION_CLASSES = frozenset(("moz-cite-prefix", "gmail_attr", "airmail_ext_on"))
_ATTRIBUTION_IDS = frozenset(("reply-intro",))
_SIGNATURE_CLASSES = frozenset(
    ("gmail_signature", "moz-signature", "protonmail_signature_block", "ms-outlook-mobile-signature")
)
_SIGNATURE_IDS = frozenset(
    ("ms-outlook-mobile-signature", "ymail_android_signature", "applemailsignature", "signature")
)
_CITING_CLASSES = frozenset(("gmail_quote", "cite", "quote", "clean_bq", "iosymail"))
_CITING_IDS = frozenset(("blockquote_zmail",))


@dataclass(slots=True)
class _Writer:
    """Collects words into lines, as a browser would break them."""

    lines: list[Line] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    depth: int = 0
    indent: int = 0
    mark: str = ""
    mark_level: int = 0  # depth in the tree of the element that set the mark
    characters: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= MAX_LINES or self.characters >= MAX_CHARACTERS

    def write(self, text: str) -> None:
        self.words.append(text)

    def end_line(self) -> bool:
        """Close the line if it has words; True when it had."""
        text = _SPACES.sub(" ", "".join(self.words)).strip()
        self.words.clear()
        if not text:
            return False
        self.characters += len(text)
        self.lines.append(Line("    " * min(self.indent, 3) + text, min(self.depth, MAX_DEPTH), self.mark))
        self.mark = ""
        return True

    def break_line(self) -> None:
        """<br>: ends a line, and alone makes an empty one."""
        if not self.end_line():
            self.blank()

    def blank(self) -> None:
        if self.lines:
            self.lines.append(Line("", min(self.depth, MAX_DEPTH)))

    def paragraph(self) -> None:
        """An empty line, unless there is one."""
        self.end_line()
        if self.lines and not self.lines[-1].is_blank:
            self.blank()

    @property
    def last_text(self) -> str:
        return next((line.text for line in reversed(self.lines[-6:]) if not line.is_blank), "")


def html_lines(html: str) -> list[Line]:
    """The lines of an HTML body, quoted parts with their depth."""
    root = LexborHTMLParser(_without_bulk(html)).root
    if root is None:
        return []
    return _walk(root)


def html_to_text(html: str) -> str:
    """Readable plain text of an HTML body; quoted parts begin with "> "."""
    return "\n".join(line.rendered() for line in html_lines(html)).strip()


def _without_bulk(html: str) -> str:
    """The same HTML with only the tags that shape lines, at most MAX_TAGS of them. One pass, no look back."""
    html = html[:MAX_HTML]
    out: list[str] = []
    position = 0
    tags = 0
    absent: set[str] = set()  # marks that do not occur any more: not searched again
    while True:
        start = html.find("<", position)
        if start < 0:
            out.append(html[position:])
            break
        out.append(html[position:start])
        if html.startswith("<!--", start):
            end = html.find("-->", start + 2)
            if end < 0:
                break
            position = end + 3
            continue
        tag = _TAG.match(html, start)
        if tag is None:
            # "<3", "<<", "<!doctype": not an element. A bare "<" is text.
            if html.startswith(("<!", "<?"), start):
                end = html.find(">", start)
                if end < 0:
                    break
                position = end + 1
            else:
                out.append("&lt;")
                position = start + 1
            continue
        end = _tag_end(html, tag.end(), absent)
        if end < 0:
            break  # an unfinished tag runs to the end of the mail, as browsers read it
        position = end
        name = tag.group(1).lower().rpartition(":")[2]
        if name not in _KEPT:
            continue
        tags += 1
        if tags > MAX_TAGS:
            break
        if end - start > MAX_TAG_LENGTH:
            out.append(f"{tag.group(0)}>")
        else:
            out.append(html[start:end])
    return "".join(out)


def _tag_end(html: str, position: int, absent: set[str]) -> int:
    """Where the tag is over (after ">"), reading quoted attribute values whole; -1 when it never ends."""
    while True:
        stop = _TAG_STOP.search(html, position)
        if stop is None:
            return -1
        mark = stop.group()
        if mark == ">":
            return stop.end()
        position = stop.end()
        # A quote that opens no value ("rock'n'roll" after a name) is only a character.
        if mark in absent or html[stop.start() - 1] not in "= \t\r\n":
            continue
        close = html.find(mark, position)
        if close < 0:
            absent.add(mark)
            continue
        position = close + 1


def _walk(root: LexborNode) -> list[Line]:
    """Depth-first without recursion; each element is met once on the way down and once on the way up."""
    writer = _Writer()
    closing: list[tuple[int, int]] = []  # depth and indent before each open quote
    node: LexborNode | None = root
    levels = 0
    quotes_at: list[int] = []
    while node is not None and not writer.is_full:
        tag = node.tag or ""
        descend = False
        if tag == "-text":
            _write_text(writer, node)
        elif tag == "br":
            writer.break_line()
        elif not tag.startswith(("-", "!")) and tag not in _SILENT:
            before = (writer.depth, writer.indent)
            marked = writer.mark
            _open(writer, tag, node)
            if writer.mark != marked:
                writer.mark_level = levels
            if (writer.depth, writer.indent) != before:
                closing.append(before)
                quotes_at.append(levels)
            descend = node.child is not None
            if not descend:
                _close(writer, tag, levels, closing, quotes_at)
        if descend:
            node = node.child
            levels += 1
            continue
        while node is not None and node.next is None:
            node = node.parent
            levels -= 1
            if node is None or levels < 0:
                node = None
                break
            _close(writer, node.tag or "", levels, closing, quotes_at)
            if levels == 0:
                node = None
        if node is not None:
            node = node.next
    writer.end_line()
    return writer.lines[:MAX_LINES]


def _write_text(writer: _Writer, node: LexborNode) -> None:
    text = node.text_content or ""
    parent = node.parent
    if parent is not None and parent.tag == "pre" and "\n" in text:
        for line in text.split("\n")[:MAX_LINES]:
            writer.write(line)
            writer.break_line()
        return
    writer.write(text)


def _open(writer: _Writer, tag: str, node: LexborNode) -> None:
    if tag in _CELLS:
        writer.write(" ")
        return
    if tag not in _BREAKING:
        return
    if tag in _SPACED:
        # <p></p> pairs keep a gap; <p> inside a list item or a cell starts on its line.
        writer.paragraph()
    else:
        writer.end_line()
    if tag == "li":
        writer.write("- ")
    elif tag == "hr":
        writer.write("-" * 30)
        writer.end_line()
    attributes = node.attributes
    identity = (attributes.get("id") or "").lower()
    classes = frozenset(name.removeprefix("x_") for name in (attributes.get("class") or "").lower().split()[:20])
    identity = identity.removeprefix("x_")
    if classes or identity or tag == "blockquote":
        _open_marked(writer, tag, node, classes, identity)


def _open_marked(writer: _Writer, tag: str, node: LexborNode, classes: frozenset[str], identity: str) -> None:
    if tag == "blockquote":
        attributes = node.attributes
        cites = (
            (attributes.get("type") or "").lower() == "cite"
            or bool(attributes.get("cite"))
            or bool(classes & (_CITING_CLASSES | _QUOTE_CLASSES))
            or identity in _CITING_IDS
            or writer.last_text.endswith((":", "：", "----"))
        )
        if cites:
            writer.depth += 1
        else:
            writer.indent += 1
    elif identity in _CUT_IDS or classes & _CUT_CLASSES:
        writer.mark = MARK_CUT
    elif classes & _QUOTE_CLASSES or identity.startswith("yahoo_quoted") or identity in _QUOTE_IDS:
        writer.depth += 1
    elif classes & _ATTRIBUTION_CLASSES or identity in _ATTRIBUTION_IDS:
        writer.mark = MARK_ATTRIBUTION
    elif classes & _SIGNATURE_CLASSES or identity in _SIGNATURE_IDS:
        writer.mark = MARK_SIGNATURE


def _close(writer: _Writer, tag: str, level: int, closing: list[tuple[int, int]], quotes_at: list[int]) -> None:
    if tag in _SPACED:
        writer.paragraph()
    elif tag in _BREAKING:
        writer.end_line()
    if writer.mark_level == level and writer.mark in (MARK_ATTRIBUTION, MARK_SIGNATURE):
        writer.mark = ""  # it held no words: what follows is not marked
    if quotes_at and quotes_at[-1] == level:
        quotes_at.pop()
        writer.depth, writer.indent = closing.pop()
