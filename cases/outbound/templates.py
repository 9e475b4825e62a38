"""Templates and quick texts as they stand in a composer: merge fields filled in, HTML cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Lower

from cases.mail_html.outgoing import outgoing_html
from cases.models import Case
from cases.outbound.merge_values import merge_values
from routing.merge_fields import fill_in
from routing.models import EmailTemplate, QuickText, RoutingAddress

__all__ = ["FilledTemplate", "fill_template", "find_quick_texts", "offered_templates"]

MOST_OFFERED = 20


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """`unfilled`: fields that are unknown, or have neither value nor default; the rep has to look."""

    subject: str
    html: str
    text: str
    unfilled: tuple[str, ...] = ()


def offered_templates() -> list[tuple[int, str]]:
    """(key, name) of those that are switched on. One query."""
    return list(EmailTemplate.objects.filter(is_active=True).order_by("name").values_list("pk", "name")[:500])


def fill_template(
    template: EmailTemplate, *, case: Case | None, author: User, send_from: RoutingAddress | None
) -> FilledTemplate:
    values = merge_values(case, author=author, send_from=send_from)
    subject = fill_in(template.subject, values, html=False)
    # A template that has only plain text is written line by line.
    source = template.html_body or "<br>".join(escape(line) for line in template.text_body.splitlines())
    html = fill_in(source, values, html=True)
    cleaned = outgoing_html(html.text, pictures={})
    text = fill_in(template.text_body, values, html=False)
    unfilled = [*subject.unknown, *subject.empty, *html.unknown, *html.empty, *text.unknown, *text.empty]
    return FilledTemplate(
        subject=subject.text,
        html=cleaned.html,
        text=text.text if template.text_body else cleaned.text,
        unfilled=tuple(dict.fromkeys(unfilled)),
    )


def find_quick_texts(
    query: str, *, case: Case | None, author: User, send_from: RoutingAddress | None
) -> Sequence[tuple[str, str, str]]:
    """(shortcut, name, text filled in) of those whose shortcut or name begins with or holds the query."""
    texts = QuickText.objects.filter(is_active=True)
    if query:
        texts = texts.annotate(lower=Lower("shortcut")).filter(
            Q(lower__startswith=query.lower()) | Q(name__icontains=query)
        )
    values = merge_values(case, author=author, send_from=send_from)
    found = texts.order_by("shortcut")[:MOST_OFFERED]
    return [(each.shortcut, each.name, fill_in(each.body, values, html=False).text) for each in found]
