"""The words of a mail as its author wrote them: checked, cleaned, with the pictures that stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cases.mail_html.outgoing import outgoing_html
from cases.mail_html.text import clean_text
from cases.outbound.composed import CannotReply

__all__ = ["Words", "read_words"]

LONGEST_TEXT = 500_000  # characters
LONGEST_HTML = 1_000_000


@dataclass(frozen=True, slots=True)
class Words:
    """`html` is "" for a plain mail. `pictures`: content ids of the pictures that the HTML shows."""

    text: str
    html: str = ""
    pictures: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.pictures


def read_words(text: str, html: str, *, formatted: bool, pictures: Mapping[str, str]) -> Words:
    """`formatted`: whether HTML may be sent at all; the text is then made from it, so that both say the same.
    `pictures` maps the `src` of a picture in the editor to its content id. Raises CannotReply for far too much.
    """
    if not (formatted and html.strip()):
        return Words(_checked(text))
    if len(html) > LONGEST_HTML:
        raise CannotReply(
            _("The formatted text is too long. Paste less formatting, or send it as a file."), field="text"
        )
    cleaned = outgoing_html(html, pictures={source: f"cid:{key}" for source, key in pictures.items()})
    written = _checked(cleaned.text)
    shown = tuple(source.removeprefix("cid:") for source in cleaned.pictures)
    return Words(written, cleaned.html if written or shown else "", shown)


def _checked(text: str) -> str:
    """The words with plain line ends."""
    text = clean_text(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise CannotReply(
            _("The text has %(count)d characters; a mail takes at most %(most)d.")
            % {"count": len(text), "most": LONGEST_TEXT},
            field="text",
        )
    return text
