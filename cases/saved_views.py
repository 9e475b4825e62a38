"""Lists under a name. Everybody uses the shared ones, only the owner changes one; each sees his or her own cases."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from cases.list_query import ListQuery
from cases.models import SavedView

MOST_VIEWS = 100  # of one user


class ViewNotSaved(ValueError):
    """Says in words why."""


def save_view(*, owner: Any, name: str, query: str, is_shared: bool) -> SavedView:
    if SavedView.objects.filter(owner=owner).count() >= MOST_VIEWS:
        raise ViewNotSaved(_("You have %d views. Delete one you no longer need.") % MOST_VIEWS)
    return _write(SavedView(owner=owner, name=_one_line(name), query=_normal(query), is_shared=is_shared))


def change_view(view: SavedView, *, name: str, is_shared: bool, query: str | None = None) -> SavedView:
    """`query` None: the filters stay as they were. The caller asked whose view it is."""
    view.name, view.is_shared = _one_line(name), is_shared
    if query is not None:
        view.query = _normal(query)
    return _write(view)


def _write(view: SavedView) -> SavedView:
    try:
        view.full_clean()
    except ValidationError as error:
        raise ViewNotSaved(" ".join(error.messages)) from error
    view.save()
    return view


def _one_line(name: str) -> str:
    return " ".join(name.replace("\0", " ").split())


def _normal(query: str) -> str:
    """As the list would write it: nothing else gets into the database. A list that is as usual is all cases."""
    read = ListQuery.read(dict(QueryDict(query).lists()))
    return read.urlencode(saved=None) or "view=all"
