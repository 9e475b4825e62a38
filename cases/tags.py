"""Tags on cases: made when first used, one tag whatever its case."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, Tag

__all__ = ["MOST_TAGS", "add_tag", "remove_tag", "tags_like"]

MOST_TAGS = 20  # on one case


def tags_like(text: str, *, size: int = 8) -> list[Tag]:
    """Tags that begin with the text, by name."""
    return list(Tag.objects.filter(name__istartswith=tag_name(text)).order_by("name")[:size])


def tag_name(text: str) -> str:
    return " ".join(clean_text(text).replace(",", " ").split()).lstrip("#")


@transaction.atomic
def add_tag(*, case: Case, name: str, by: Any) -> CaseEvent | None:
    """The event; None when the case has the tag."""
    name = tag_name(name)
    if not name:
        raise CannotChange(_("A tag needs a name."), field="tag")
    if len(name) > 40:
        raise CannotChange(_("A tag has at most 40 characters."), field="tag")
    case = case_to_change(case, by=by)
    tag = _tag_named(name)
    if case.tags.filter(pk=tag.pk).exists():
        return None
    if case.tags.count() >= MOST_TAGS:
        raise CannotChange(_("A case has at most %(most)d tags.") % {"most": MOST_TAGS}, field="tag")
    case.tags.add(tag)
    return _note(case, by, f"+ {tag.name}", added=tag.pk)


@transaction.atomic
def remove_tag(*, case: Case, tag: Tag, by: Any) -> CaseEvent | None:
    case = case_to_change(case, by=by)
    if not case.tags.filter(pk=tag.pk).exists():
        return None
    case.tags.remove(tag)
    return _note(case, by, f"− {tag.name}", removed=tag.pk)


def _tag_named(name: str) -> Tag:
    """Found, else made; two people who make the same one at once get the same one."""
    found = Tag.objects.filter(name__iexact=name).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Tag.objects.create(name=name)
    except IntegrityError:
        return Tag.objects.get(name__iexact=name)


def _note(case: Case, by: Any, because: str, **detail: int) -> CaseEvent:
    return CaseEvent.objects.create(
        case=case, kind=CaseEvent.Kind.TAGS_CHANGED, actor=by, because=because, detail=detail
    )
