"""The list of cases: /cases/."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from cases.selectors.cursor import Cursor
from cases.selectors.lists import COUNTED_TO, ListView, MyQueue, count_my_open_cases, list_cases, queues_of
from cases.selectors.visible import may_view_all_cases
from cases.views.panes import render_pane


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return redirect("case_list")


@require_safe
@login_required
def case_list(request: HttpRequest) -> HttpResponse:
    views_all = may_view_all_cases(request.user)
    queues = queues_of(request.user)
    my_count = count_my_open_cases(request.user)
    queue = _chosen_queue(request.GET.get("queue", ""), queues)
    view = _chosen_view(
        request.GET.get("view", ""), queue=queue, my_count=my_count, has_queues=bool(queues) or not views_all
    )
    before = Cursor.read(request.GET.get("before", ""))
    page = list_cases(
        request.user,
        view=view,
        queues=queues,
        views_all=views_all,
        queue=queue.key if queue else None,
        before=before,
    )
    title = queue.name if queue else str(view.label)
    context = {
        "page": page,
        "view": view,
        "queue": queue,
        "queues": queues,
        "my_count": my_count,
        "counted_to": COUNTED_TO,
        "is_first_page": before is None,
        "views": [
            ListView.MINE,
            ListView.QUEUES,
            *([ListView.UNASSIGNED] if views_all else []),
            ListView.OPEN,
            ListView.CLOSED,
        ],
    }
    return render_pane(request, "cases/case_list.html", context, pane="list", title=title)


def _chosen_queue(word: str, queues: list[MyQueue]) -> MyQueue | None:
    return next((queue for queue in queues if str(queue.key) == word), None)


def _chosen_view(word: str, *, queue: MyQueue | None, my_count: int, has_queues: bool) -> ListView:
    """Without a choice: my own work when there is some, else what my queues wait for, else all that I may see."""
    if word in ListView.values:
        return ListView(word)
    if my_count and queue is None:
        return ListView.MINE
    return ListView.QUEUES if has_queues else ListView.OPEN
