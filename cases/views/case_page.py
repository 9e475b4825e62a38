"""The conversation of one case: /cases/<number>/."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cases.mail_html import FRAME_SANDBOX
from cases.models import Case, EmailMessage
from cases.selectors.conversation import MOST_NEW, MessagePage, find_visible_case, messages_of
from cases.selectors.cursor import MAX_DIGITS, Cursor
from cases.selectors.history import history_of, newer_history
from cases.views.composer import Composer, wanted_mode
from cases.views.panes import render_pane
from cases.views.shown_mail import ShownMessage, related_mails, show_message
from cases.views.timeline import timeline_of
from cases.visits import mark_seen

# The newest ones, beside the mail that opened the case; older ones show who, when and what in a line.
OPEN_MESSAGES = 3


@require_safe
@login_required
def case_page(request: HttpRequest, number: int) -> HttpResponse:
    """With `?reply=1`, `?all=1` or `?draft=<id>` the page asks for the composer once it is there (case_compose);
    without JavaScript a link leads to it. The page itself costs the same.
    """
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    return render_case(request, case, composer=None)


@require_safe
@login_required
def earlier_mail(request: HttpRequest, number: int) -> HttpResponse:
    """The page of the conversation before a cursor as lines to put above it: `?before=` of the case, for HTMX."""
    case, before = find_visible_case(request.user, number), Cursor.read(request.GET.get("before", ""))
    if case is None:
        raise Http404
    context = conversation_of(request, case, before=before, open_messages=0)
    return render(request, "cases/case/earlier.html", context)


@require_safe
@login_required
def newer_mail(request: HttpRequest, number: int) -> HttpResponse:
    """Mails that came after the one with the key `?after=`, and what others noted and changed after the event with the
    key `?changes=`, as lines to put below the conversation, for HTMX.
    """
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    after, changes = (_key_in(request, name) for name in ("after", "changes"))
    page = messages_of(case, after=after or 0, size=MOST_NEW, reader=request.user)
    history = newer_history(case, changes, reader=request.user) if changes is not None else ()
    context = {
        "case": case,
        "timeline": timeline_of(shown_of(request, case, page), history),
        "frame_sandbox": FRAME_SANDBOX,
    }
    return render(request, "cases/case/earlier.html", context)


def _key_in(request: HttpRequest, name: str) -> int | None:
    word = request.GET.get(name, "")
    return int(word) if word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS else None


def render_case(request: HttpRequest, case: Case, *, composer: Composer | None, status: int = 200) -> HttpResponse:
    """`case` comes from find_visible_case."""
    now = timezone.now()  # before the mails are read: one that comes meanwhile stays unread
    before = Cursor.read(request.GET.get("before", ""))
    context = conversation_of(request, case, before=before, open_messages=OPEN_MESSAGES)
    if before is None and is_read(request):
        mark_seen(request.user, case, now, was_here=case.was_here)  # type: ignore[attr-defined]  # annotated
    shown = context["shown"]
    context |= {
        "message_count": len(shown),
        "newest_key": shown[-1].message.pk if shown else None,
        "is_latest_page": before is None,
        "composer": composer,
        "composer_query": _composer_query(request) if composer is None else "",
    }
    return render_pane(
        request,
        "cases/case.html",
        context,
        pane="conversation",
        title=f"{case.number_text} {case.subject}",
        status=status,
    )


def _composer_query(request: HttpRequest) -> str:
    """What the composer is asked for with that the address wants open; "" for none."""
    mode = wanted_mode(request)
    if mode is None:
        return ""
    kept = {name: request.GET[name][:40] for name in ("draft", "message") if request.GET.get(name)}
    return urlencode({"mode": mode} | kept)


def is_read(request: HttpRequest) -> bool:
    """Whether a person has the answer in front of them: a page fetched ahead (static/cases/console/requests.js, or by
    the browser itself) may never be looked at.
    """
    is_ahead = "X-Prefetch" in request.headers or "prefetch" in request.headers.get("Sec-Purpose", "")
    return request.method == "GET" and not is_ahead


def conversation_of(request: HttpRequest, case: Case, *, before: Cursor | None, open_messages: int) -> dict[str, Any]:
    """What the timeline's templates need of the newest page, or of the one before a cursor."""
    page = messages_of(case, before=before, reader=request.user)
    shown = shown_of(request, case, page, open_messages=open_messages)
    history = history_of(
        case,
        since=page.earlier.at if page.earlier is not None else None,
        until=before.at if before is not None else None,
    )
    return {
        "case": case,
        "shown": shown,
        "timeline": timeline_of(shown, history),
        "earlier": page.earlier,
        "frame_sandbox": FRAME_SANDBOX,
    }


def shown_of(
    request: HttpRequest, case: Case, page: MessagePage, *, open_messages: int = MOST_NEW
) -> list[ShownMessage]:
    """The mails of a page as this reader may see them: drafts are their author's alone."""
    reader_id = request.user.pk
    messages = [
        message
        for message in page.messages
        if message.status != EmailMessage.Status.DRAFT or message.created_by_id == reader_id
    ]
    folded = messages[: max(len(messages) - open_messages, 0)]
    related = related_mails(messages)
    return [
        show_message(
            message,
            is_open=message not in folded or message.pk == case.source_id,
            subject=case.subject,
            reader_id=reader_id,
            related=related.get(message.pk, ()),
        )
        for message in messages
    ]
