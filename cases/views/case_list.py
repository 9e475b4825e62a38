"""The list of cases: /cases/. Whatever its URL says, it answers with a list; cases.list_query reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Value
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.highlighting import Wanted, pieces_of, snippet_of_match
from cases.list_query import ListQuery
from cases.models import Case, EmailMessage, SavedView
from cases.search_query import SearchQuery, read_search
from cases.selectors.list_names import Choices, choices_for, find_saved_view, names_in, owners_who_left
from cases.selectors.list_rows import tags_of
from cases.selectors.lists import (
    COUNTED_TO,
    CasePage,
    ListView,
    Reader,
    count_newer,
    list_cases,
    open_cases,
    reader_of,
)
from cases.views.list_words import chips_of, hidden_fields, sort_choices, title_of
from cases.views.panes import render_pane
from routing.choices import Priority

SEARCHED_TEXT = 20_000  # characters of a mail in which a snippet is looked for


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return redirect("case_list")


@require_safe
@login_required
def case_list(request: HttpRequest) -> HttpResponse:
    if any(not value for _name, values in request.GET.lists() for value in values):
        # A form sends its empty fields as well; the address is to be kept and passed on.
        return redirect(list_url(ListQuery.read(dict(request.GET.lists())).urlencode()))
    now = timezone.now()
    reader = reader_of(request.user)
    query, saved = asked_list(request, reader)
    page = list_cases(reader, query, now=now)
    names = names_in(query, reader)
    own = query.urlencode()
    context = {
        "page": page,
        "rows": _rows(page, read_search(query.q)),
        "query": query,
        "saved": saved,
        "is_my_saved_view": saved is not None and saved.owner_id == request.user.pk,
        "now": now,
        "url": list_url(own),
        "data_url": list_url(_name_of(query, saved)),
        "next_url": list_url(query.urlencode(before=page.next)) if page.next else "",
        "cleared_url": list_url(query.cleared()),
        "filters_url": f"{reverse('case_filters')}?{own}",
        "newer_url": f"{reverse('case_list_newer')}?{own}",
        "newer_since": now.isoformat(),
        "query_string": query.urlencode(saved=None),
        "chips": chips_of(query, names),
        "sorts": sort_choices(query),
        "priorities": Priority.choices,
        "bulk_url": reverse("case_bulk"),
        "is_first_page": not query.before,
        "has_queues": bool(reader.queues) or reader.views_all,
        "counted_to": COUNTED_TO,
    }
    return render_pane(request, "cases/case_list.html", context, pane="list", title=title_of(query, saved, names))


@require_safe
@login_required
def filters(request: HttpRequest) -> HttpResponse:
    """The form of a list's filters: inside the list with JavaScript, a page of its own without."""
    reader = reader_of(request.user)
    query, _saved = asked_list(request, reader, choose=False)
    choices = choices_for(reader)
    context = {
        "query": query,
        "choices": choices,
        "owners": _owner_groups(choices, owners_who_left(reader)),
        "priorities": Priority.choices,
        "awaiting": Case.Awaiting.choices,
        "kept": list(hidden_fields(query, *query.filters, "before")),
        "cleared_url": list_url(query.cleared()),
    }
    return render_pane(request, "cases/list/filters.html", context, pane="list", title=_("Filter the list"))


@require_safe
@login_required
def bulk_choices(request: HttpRequest) -> HttpResponse:
    """What selected cases can be given to and set to; the bar asks for it when it is opened."""
    choices = choices_for(reader_of(request.user))
    return render(request, "cases/list/bulk_choices.html", {"choices": choices, "owners": _owner_groups(choices)})


@never_cache
@require_safe
@login_required
def newer(request: HttpRequest) -> HttpResponse:
    """How many cases of a list moved since it was shown: a line with a link, or nothing."""
    reader = reader_of(request.user)
    query, _saved = asked_list(request, reader, choose=False)
    since = _moment(request.GET.get("since", ""))
    count = count_newer(reader, query, since=since, now=timezone.now()) if since is not None else 0
    context = {
        "count": count,
        "counted_to": COUNTED_TO,
        "url": list_url(query.urlencode()),
        "newer_url": f"{reverse('case_list_newer')}?{query.urlencode()}",
        "newer_since": since.isoformat() if since else "",
    }
    return render(request, "cases/list/newer.html", context)


def list_url(query: str) -> str:
    return f"{reverse('case_list')}?{query}" if query else reverse("case_list")


def _name_of(query: ListQuery, saved: SavedView | None) -> str:
    """The view that the list is, whatever narrows it: what the left pane marks."""
    if saved is not None:
        return ListQuery(saved=saved.pk).urlencode()
    return ListQuery(view=query.view, queue=query.queue).urlencode()


def _owner_groups(choices: Choices, left: Sequence[tuple[int, str]] = ()) -> list[tuple[str, list[tuple[str, str]]]]:
    groups = [
        (_("Queues"), [(f"queue:{key}", name) for key, name in choices.queue]),
        (_("People"), [(f"user:{key}", name) for key, name in choices.user]),
        (_("Not active any more"), [(f"user:{key}", name) for key, name in left]),
    ]
    return [group for group in groups if group[1]]


def asked_list(request: HttpRequest, reader: Reader, *, choose: bool = True) -> tuple[ListQuery, SavedView | None]:
    """What the URL asks for, with the saved view that it names. No view named: the one with the reader's next work."""
    query = ListQuery.read(dict(request.GET.lists()))
    saved = find_saved_view(request.user, query.saved) if query.saved is not None else None
    if saved is not None and query.names_only_its_saved_view:
        kept = ListQuery.read(dict(QueryDict(saved.query).lists()))
        query = replace(kept, saved=saved.pk, before=query.before)
    if saved is None:
        query = replace(query, saved=None)
    if not query.view:
        query = replace(query, view=_usual_view(query, reader) if choose else ListView.ALL.value)
    return query, saved


def _usual_view(query: ListQuery, reader: Reader) -> str:
    """Without a choice: a search looks everywhere; else my own work when there is some, else what my queues wait for,
    else all that I may see.
    """
    if query.q or query.filters:
        return ListView.ALL.value
    if query.queue is not None:
        return ListView.QUEUES.value
    if open_cases().filter(owner_user=reader.user).exists():
        return ListView.MINE.value
    return ListView.QUEUES.value if reader.queues or not reader.views_all else ListView.OPEN.value


def _rows(page: CasePage, search: SearchQuery) -> list[dict[str, Any]]:
    cases = [page.direct, *page.cases] if page.direct else page.cases
    matches = _matching_texts(page, cases)
    in_subject, in_text, in_sender = Wanted(search, "subject"), Wanted(search), Wanted(search, "sender")
    return [
        {
            "case": case,
            "tags": tags_of(case),
            "is_direct": case is page.direct,
            "subject": pieces_of(case.subject, in_subject),
            "customer": pieces_of(case.supplied_name or case.supplied_email, in_sender),
            "match": snippet_of_match(matches.get(case.pk, ""), in_text),
        }
        for case in cases
    ]


def _matching_texts(page: CasePage, cases: list[Case]) -> dict[int, str]:
    """The text of the mail that matched, by case. One statement for a search for words, else none."""
    if page.candidates is None:
        return {}
    keys = [page.candidates.messages[case.pk] for case in cases if case.pk in page.candidates.messages]
    texts = EmailMessage.objects.filter(pk__in=keys).order_by()
    return dict(texts.annotate(text=Left("text_body", Value(SEARCHED_TEXT))).values_list("case_id", "text"))


def _moment(word: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 1900 <= moment.year <= 9000 else None
