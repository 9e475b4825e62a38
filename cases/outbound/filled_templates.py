"""A template with its merge fields filled in, cleaned: what the composer, the preview and automatic answers use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cases.mail_html import html_as_text, safe_html
from cases.outbound.composing import one_line
from routing.merge_fields import fill_in, unknown_fields
from routing.models import EmailTemplate

__all__ = ["FilledTemplate", "clean_html", "faults_of", "fill_template"]

_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """`html` is "" for a template of plain text; `text` is always there. `unknown` fields are none of the list,
    `empty` ones had neither value nor default.
    """

    subject: str
    html: str
    text: str
    unknown: tuple[str, ...]
    empty: tuple[str, ...]

    @property
    def unfilled(self) -> tuple[str, ...]:
        return (*self.unknown, *self.empty)


def fill_template(template: EmailTemplate, values: Mapping[str, str], *, keeps_empty: bool = False) -> FilledTemplate:
    """Cleaned after it is filled in, whatever was saved. Asks the database nothing. `keeps_empty`: for a person, who
    sees the fields without a value and writes something there.
    """
    subject = fill_in(template.subject, values, html=False, keeps_empty=keeps_empty)
    html = fill_in(template.html_body, values, html=True, keeps_empty=keeps_empty)
    text = fill_in(template.text_body, values, html=False, keeps_empty=keeps_empty)
    cleaned = clean_html(html.text)
    used = (subject, html, text) if template.text_body.strip() else (subject, html)
    return FilledTemplate(
        subject=one_line(subject.text),
        html=cleaned,
        text=text.text.strip() or html_as_text(cleaned),
        unknown=tuple(dict.fromkeys(name for filled in used for name in filled.unknown)),
        empty=tuple(dict.fromkeys(name for filled in used for name in filled.empty)),
    )


def clean_html(html: str) -> str:
    """The HTML of a template as it is kept and sent: no script, nothing fetched from elsewhere. Words without any tag
    become paragraphs.
    """
    html = html.replace("\r\n", "\n").strip()
    if html and "<" not in html:
        paragraphs = (each.strip() for each in _BLANK_LINES.split(html))
        html = "".join(f"<p>{each}</p>".replace("\n", "<br>") for each in paragraphs)
    return safe_html(html, inline_urls={}).html.strip() if html else ""


def faults_of(template: EmailTemplate) -> tuple[str, ...]:
    """What must not leave by itself: fields that do not exist, or no text at all. Empty: nothing is wrong."""
    if not (template.html_body.strip() or template.text_body.strip()):
        return ("",)
    plain = f"{template.subject}\n{template.text_body}"
    return (*unknown_fields(plain, html=False), *unknown_fields(template.html_body, html=True))
