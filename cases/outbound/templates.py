"""Templates and quick texts as they stand in a composer: merge fields filled in, fit for its editor. A field that
nothing is known for stays as a mark; the guard warns of it (cases.outbound.guard).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Lower

from cases.mail_html.outgoing import outgoing_html
from cases.models import Case
from cases.outbound.filled_templates import FilledTemplate, fill_template
from cases.outbound.merge_values import merge_values
from cases.outbound.quoting import words_as_html
from routing.merge_fields import fill_in
from routing.models import EmailTemplate, QuickText, RoutingAddress

__all__ = ["find_quick_texts", "offered_templates", "template_for"]

MOST_OFFERED = 20


def offered_templates() -> list[tuple[int, str]]:
    """(key, name) of those that are switched on. One query."""
    return list(EmailTemplate.objects.filter(is_active=True).order_by("name").values_list("pk", "name")[:500])


def template_for(
    template: EmailTemplate, *, case: Case | None, author: User, send_from: RoutingAddress | None
) -> FilledTemplate:
    """With HTML that the editor knows, and text that says the same."""
    filled = fill_template(template, merge_values(case, author=author, send_from=send_from), keeps_empty=True)
    cleaned = outgoing_html(filled.html or words_as_html(filled.text), pictures={})
    text = filled.text if template.text_body.strip() else cleaned.text
    return replace(filled, html=cleaned.html, text=text)


def find_quick_texts(
    query: str, *, case: Case | None, author: User, send_from: RoutingAddress | None
) -> Sequence[tuple[str, str, str]]:
    """(shortcut, name, text filled in) of those whose shortcut begins with the query, or whose name holds it."""
    texts = QuickText.objects.filter(is_active=True)
    if query:
        texts = texts.annotate(lower=Lower("shortcut")).filter(
            Q(lower__startswith=query.lower()) | Q(name__icontains=query)
        )
    values = merge_values(case, author=author, send_from=send_from)
    found = texts.order_by("shortcut")[:MOST_OFFERED]
    return [
        (each.shortcut, each.name, fill_in(each.body, values, html=False, keeps_empty=True).text) for each in found
    ]
