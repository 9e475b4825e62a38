"""The sanitizer: nh3 with our own lists, after tidying. What is not listed is gone, and what could fetch too."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import nh3

from cases.mail_html.css import StyleFilter
from cases.mail_html.folding import Fold, find_tail
from cases.mail_html.pixels import is_remote
from cases.mail_html.text import BIDI, html_as_text, text_to_html
from cases.mail_html.tidy import FOLDED_REST_CLASS, NOTHING_FOLDED, Folding, tidy_tokens
from cases.mail_html.tokens import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, QUOTE_CLASSES, Tag, Text, TooMuchHtml, tokens_of

LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# Classes that the frame's own style sheet knows; any other class says nothing here.
CLASSES = QUOTE_CLASSES | {"MsoNormal", "MsoListParagraph", "MsoNoSpacing", "quote", FOLDED_REST_CLASS}
COLOUR_ATTRIBUTES = frozenset({"bgcolor", "color"})
MAX_URL = 4_000  # characters
MAX_TEXT = 200_000  # characters shown of a mail whose HTML is too much
CLEANER_ATTRIBUTES = {tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()}


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """HTML for a page of its own. `was_cut`: it was too much, so tags are missing or only its text is left."""

    html: str
    remote_images: int = 0  # pictures of other hosts, tracking pixels not counted
    images_refused: int = 0  # of these, the ones that are not loaded even when asked for
    tracking_pixels: int = 0  # left out, whatever is asked
    was_cut: bool = False
    has_colours: bool = False  # of its own: then it needs the ground that it was made for

    @property
    def follows_colour_scheme(self) -> bool:
        """Whether it reads as well on a dark ground: words without colours, and no picture that was made for white."""
        return not self.has_colours and "<img" not in self.html


def safe_html(
    html: str, *, inline_urls: Mapping[str, str], allow_remote_images: bool = False, fold: Fold | None = None
) -> SafeHtml:
    """Clean the HTML of one mail.

    `inline_urls` maps the content ids of this mail's pictures (without angle brackets) to our own URLs; no other
    cid is shown.
    `fold`: what may be folded below the new part; nothing is when the mail does not match it to the letter.
    """
    html = html.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    try:
        tokens: Iterable[Tag | Text] = tokens_of(html)
        folding = NOTHING_FOLDED
        if fold is not None:
            tokens, tail = find_tail(list(tokens), fold)
            folding = Folding(tail, fold.label, fold.letters_above, fold.quote_label)
        tidy = tidy_tokens(tokens, folding)
    except TooMuchHtml:
        return SafeHtml(f'<div class="as-text">{text_to_html(html_as_text(html)[:MAX_TEXT])}</div>', was_cut=True)
    keeper = _AttributeKeeper(inline_urls, allow_remote_images)
    cleaned = nh3.clean(
        tidy.html,
        tags=set(ALLOWED_TAGS),
        clean_content_tags={"script", "style"},
        attributes=CLEANER_ATTRIBUTES,
        attribute_filter=keeper.keep,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={
            "a": {"target": "_blank"},
            "img": {"referrerpolicy": "no-referrer", "loading": "lazy"},
        },
        url_schemes=set(LINK_SCHEMES | {"cid"}),
    )
    return SafeHtml(
        cleaned,
        remote_images=keeper.remote_images,
        images_refused=keeper.images_refused,
        tracking_pixels=tidy.pixels,
        was_cut=tidy.was_cut,
        has_colours=keeper.has_colours,
    )


class _AttributeKeeper:
    """Decides each attribute nh3 lets through: the value to write, or None to drop it."""

    def __init__(self, inline_urls: Mapping[str, str], allow_remote_images: bool) -> None:
        self.inline_urls = inline_urls
        self.allow_remote_images = allow_remote_images
        self.remote_images = self.images_refused = 0
        self.has_colours = False
        self.styles = StyleFilter()
        self._by_name: dict[str, Callable[[str], str | None]] = {
            "href": self._keep_link,
            "src": self._keep_image,
            "style": self._keep_style,
            "class": lambda value: " ".join(word for word in value.split() if word in CLASSES) or None,
        }

    def keep(self, tag: str, name: str, value: str) -> str | None:
        if name in COLOUR_ATTRIBUTES:
            self.has_colours = True
        decide = self._by_name.get(name)
        return value if decide is None else decide(value)

    def _keep_link(self, value: str) -> str | None:
        url = value.strip()
        if len(url) > MAX_URL or BIDI.search(url) or not url.isprintable():
            return None
        scheme, colon, _rest = url.partition(":")
        return url if colon and scheme.lower() in LINK_SCHEMES else None

    def _keep_image(self, value: str) -> str | None:
        url = value.strip()
        if url[:4].lower() == "cid:":
            return self.inline_urls.get(unquote(url[4:])) or self.inline_urls.get(url[4:])
        if not is_remote(url):
            return None
        self.remote_images += 1
        if url.startswith("//"):
            url = f"https:{url}"
        if not _is_public_https(url):
            self.images_refused += 1
            return None
        return url if self.allow_remote_images else None

    def _keep_style(self, value: str) -> str | None:
        kept = self.styles.keep(value)
        self.has_colours = self.has_colours or any(word in kept for word in ("color:", "background"))
        return kept or None


def _is_public_https(url: str) -> bool:
    """Pictures come from named hosts over HTTPS; a number may point into the reader's own network."""
    if len(url) > MAX_URL or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises ValueError when it is no port
    except ValueError:
        return False
    if parts.scheme.lower() != "https" or "." not in host or host.endswith((".local", ".localhost", ".internal")):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not host.rsplit(".", 1)[-1].isdigit()
    return False
