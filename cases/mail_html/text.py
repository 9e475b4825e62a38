"""Plain text for a page: links that say where they go, bidi controls that reach no further, one-line snippets."""

from __future__ import annotations

import re
from html import escape, unescape

from cases.mail_html.tokens import BLOCK_TAGS, MAX_CHARACTERS, TABLE_PARTS, Tag, TooMuchHtml, tokens_of

# Unicode Bidi_Control: marks, embeddings, overrides and isolates. In an address they make `exe.doc` out of
# `cod.exe`.
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
BIDI = re.compile(f"[{BIDI_CONTROLS}]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LINK = re.compile(r"""(?:https?://|mailto:)[^\s<>"'`\x00-\x1f]++""", re.IGNORECASE)
MAX_LINK = 2_000  # characters
TRAILING = ".,;:!?*_"
ANY_TAG = re.compile(r"<[^<>]{0,2000}+>")
SPACES = re.compile(r"\s+")
BLANK_LINES = re.compile(r"\n{3,}")
LINK_ATTRIBUTES = 'target="_blank" rel="noopener noreferrer nofollow"'


def clean_text(text: str) -> str:
    """Without control characters and lone surrogates (no database or browser takes them)."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode("utf-8"))


def text_to_html(text: str) -> str:
    """Escaped text with http, https and mailto links; line ends stay line ends (show it with `white-space: pre-wrap`).

    An address with a bidi control is not linked: it would read as another one.
    """
    text = clean_text(text)
    written, position = [], 0
    for found in LINK.finditer(text):
        if len(found[0]) > MAX_LINK or BIDI.search(found[0]):
            continue
        url = _without_trailing(found[0])
        if url.lower() in ("http://", "https://", "mailto:"):
            continue
        written.append(escape(text[position : found.start()]))
        written.append(f'<a href="{escape(url)}" {LINK_ATTRIBUTES}>{escape(url)}</a>')
        position = found.start() + len(url)
    written.append(escape(text[position:]))
    return "".join(written)


def _without_trailing(url: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays when it was opened inside."""
    unopened = {closing: url.count(closing) - url.count(opening) for opening, closing in ("()", "[]", "{}")}
    end = len(url)
    while end and (url[end - 1] in TRAILING or unopened.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in unopened:
            unopened[url[end]] -= 1
    return url[:end]


def snippet_of(text: str, limit: int = 200) -> str:
    """The beginning of a text on one line, at most `limit` characters, cut at a word where there is one."""
    start = BIDI.sub("", clean_text(text[: limit * 20]))
    line = SPACES.sub(" ", start).strip()
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    word_end = cut.rfind(" ")
    return (cut[:word_end] if word_end > limit // 2 else cut).rstrip() + "…"


def html_as_text(html: str) -> str:
    """The text of an HTML mail, for when its HTML cannot be shown. Linear in its length."""
    try:
        pieces = []
        for token in tokens_of(html):
            if isinstance(token, Tag):
                pieces.append(
                    "\n" if token.name in BLOCK_TAGS | {"br", "li", "tr"} else " " if token.name in TABLE_PARTS else ""
                )
            else:
                pieces.append(unescape(SPACES.sub(" ", token.text)))
        text = "".join(pieces)
    except TooMuchHtml:
        text = unescape(ANY_TAG.sub(" ", html[:MAX_CHARACTERS]))
    lines = (SPACES.sub(" ", line).strip() for line in text.splitlines())
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def hide_bidi_controls(text: str) -> str:
    """For places that cannot isolate (a page title, a file name in a header)."""
    return BIDI.sub("", text)
