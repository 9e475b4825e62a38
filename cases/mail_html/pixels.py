"""Pictures that nobody is meant to see: a host is asked for them so that it learns when a mail is read."""

from __future__ import annotations

import re
from html import unescape

from cases.mail_html.tokens import Tag

SEEN_BY_NOBODY = 2  # pixels in both directions
LENGTH = re.compile(r"\s*([0-9]{1,5})(?:\.[0-9]*)?\s*(?:px)?\s*(?:!important)?\s*", re.IGNORECASE)
HIDDEN = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)|max-(?:width|height)\s*:\s*0)",
    re.IGNORECASE,
)
STYLE_LENGTH = re.compile(r"(?:^|;)\s*(width|height)\s*:([^;]{1,40})", re.IGNORECASE)


def is_remote(url: str) -> bool:
    return unescape(url).strip()[:8].lower().startswith(("http:", "https:", "//"))


def is_tracking_pixel(tag: Tag) -> bool:
    """Whether an <img> of another host is hidden, or too small to be a picture."""
    attributes = {name: unescape(value) for name, value in tag.attributes}
    if not is_remote(attributes.get("src", "")):
        return False
    style = attributes.get("style", "")[:4_000]
    if HIDDEN.search(style):
        return True
    sizes = {name: attributes.get(name, "") for name in ("width", "height")}
    sizes |= {name.lower(): value for name, value in STYLE_LENGTH.findall(style)}
    known = [side for side in (_pixels(sizes["width"]), _pixels(sizes["height"])) if side is not None]
    # A picture that tells one side only is judged by that one.
    return bool(known) and max(known) <= SEEN_BY_NOBODY


def _pixels(length: str) -> int | None:
    found = LENGTH.fullmatch(length)
    return int(found[1]) if found else None
