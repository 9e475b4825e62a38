"""HTML that a rep wrote, made fit to be sent: a small list of tags that mail programs agree on, our own pictures.

What a rep pastes comes from anywhere. So nothing stays that fetches (a picture of another host would tell its owner
who opens our mail), that runs, or that hides words from a reader: no colours, no sizes beyond reading, no positions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import nh3
import tinycss2

from cases.mail_html.css import MAX_STYLE, safe_declarations
from cases.mail_html.plain import plain_text_of
from cases.mail_html.text import BIDI, html_as_text, text_to_html
from cases.mail_html.tidy import tidy_tokens
from cases.mail_html.tokens import TooMuchHtml, tokens_of

__all__ = ["OutgoingHtml", "outgoing_html"]

TAGS = frozenset(
    {"a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "hr", "i", "img", "li", "ol", "p"}
    | {"pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "style"},
    "a": {"href"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"align", "colspan", "rowspan", "valign"},
    "th": {"align", "colspan", "rowspan", "valign"},
}
LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# Properties that shape words and cannot make them unreadable.
STYLES = frozenset(
    {"border", "border-collapse", "border-color", "border-style", "border-width", "font-style", "font-weight"}
    | {"list-style-type", "text-align", "text-decoration", "vertical-align", "white-space"}
)
WHITE_SPACES = frozenset({"normal", "nowrap", "pre", "pre-line", "pre-wrap"})
LONGEST_LINK = 4_000  # characters
MAX_TEXT = 500_000  # characters kept of HTML that is too much
_SIZE = re.compile(r"[0-9]{1,4}")
_IMG = re.compile(r'<img((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*/?>')
_WITH_SOURCE = re.compile(r'\ssrc="[^"]+"')


@dataclass(frozen=True, slots=True)
class OutgoingHtml:
    """`pictures`: what stands as `src` of its pictures, in order, each once. `text`: the same in plain words."""

    html: str
    text: str
    pictures: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.pictures


def outgoing_html(html: str, *, pictures: Mapping[str, str]) -> OutgoingHtml:
    """Clean what an editor sent. `pictures` maps a `src` as it stands in the editor to the one to write (`cid:...`);
    every other picture is taken out.
    """
    html = html.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    try:
        tidy = tidy_tokens(tokens_of(html)).html
    except TooMuchHtml:
        text = html_as_text(html)[:MAX_TEXT]
        return OutgoingHtml(f'<div style="white-space:pre-wrap">{text_to_html(text)}</div>', text)
    keeper = _Keeper(pictures)
    cleaned = nh3.clean(
        tidy,
        tags=set(TAGS),
        clean_content_tags={"script", "style"},
        attributes=ATTRIBUTES,
        attribute_filter=keeper.keep,
        link_rel=None,
        url_schemes=set(LINK_SCHEMES | {"cid"}),
    )
    cleaned = _IMG.sub(lambda found: found[0] if _WITH_SOURCE.search(found[1]) else "", cleaned)
    return OutgoingHtml(cleaned, plain_text_of(cleaned), tuple(dict.fromkeys(keeper.used)))


class _Keeper:
    """Decides each attribute that nh3 lets through: the value to write, or None to drop it."""

    def __init__(self, pictures: Mapping[str, str]) -> None:
        self.pictures = pictures
        self.used: list[str] = []

    def keep(self, tag: str, name: str, value: str) -> str | None:
        match name:
            case "href":
                return _link(value)
            case "src":
                return self._picture(value.strip())
            case "style":
                return _style(value) or None
            case "dir":
                return value if value in ("ltr", "rtl", "auto") else None
            case "width" | "height" | "border" | "cellpadding" | "cellspacing" | "colspan" | "rowspan" | "start":
                return value if _SIZE.fullmatch(value) and (tag != "img" or int(value) > 0) else None
            case _:
                return value

    def _picture(self, source: str) -> str | None:
        written = self.pictures.get(source)
        if written is not None:
            self.used.append(written)
        return written


def _link(value: str) -> str | None:
    url = value.strip()
    if len(url) > LONGEST_LINK or BIDI.search(url) or not url.isprintable():
        return None
    scheme, colon, _rest = url.partition(":")
    return url if colon and scheme.lower() in LINK_SCHEMES else None


def _style(value: str) -> str:
    if len(value) > MAX_STYLE or "\\" in value:
        return ""
    kept = []
    for node in tinycss2.parse_blocks_contents(safe_declarations(value), skip_comments=True, skip_whitespace=True):
        if node.type != "declaration" or node.lower_name not in STYLES:
            continue
        written = tinycss2.serialize(node.value).strip()
        if node.lower_name == "white-space" and written not in WHITE_SPACES:
            continue
        kept.append(f"{node.lower_name}:{written}")
    return ";".join(kept)
