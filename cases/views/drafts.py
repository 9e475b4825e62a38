"""Drafts: saved by the composer, listed for their author, seen by nobody else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from cases.blobs import open_blob
from cases.downloads import SHOWN_INLINE, download, picture
from cases.file_names import safe_file_name
from cases.forms.composer import FilesField, TypedForm, is_key, read_files
from cases.models import Case, Draft, DraftFile, EmailMessage
from cases.outbound.allowed_senders import refusal_of_user
from cases.outbound.composed import CannotReply
from cases.outbound.draft_files import add_files, remove_file
from cases.outbound.drafts import DraftGone, NewerVersion, TooManyDrafts, discard, open_draft, picture_url, save_draft
from cases.selectors.conversation import find_visible_case, visible_messages
from cases.selectors.drafts import list_drafts, own_drafts
from cases.views.panes import render_pane, wants_fragment

FORBIDDEN, GONE, CONFLICT, UNPROCESSABLE = 403, 404, 409, 422
NOT_SEEN = gettext_lazy("You may not see this case any more.")


@require_safe
@login_required
def drafts(request: HttpRequest) -> HttpResponse:
    context = {"drafts": list_drafts(request.user)}
    return render_pane(request, "cases/drafts.html", context, pane="list", title=_("Drafts"))


@require_POST
@login_required
def create(request: HttpRequest) -> HttpResponse:
    """`?case=<n>&mode=<mode>&message=<id>`, with the fields of the composer as they are."""
    user = _author(request)
    if refusal := refusal_of_user(user):
        return _refused(refusal.because)
    asked = {name: request.GET.get(name) or request.POST.get(name, "") for name in ("case", "mode", "message")}
    case = _case(user, asked["case"]) if asked["case"] else None
    if asked["case"] and case is None:
        return _refused(NOT_SEEN, status=GONE)
    mode = Draft.Mode(asked["mode"]) if asked["mode"] in Draft.Mode.values else Draft.Mode.REPLY
    if case is None:
        mode = Draft.Mode.NEW
    answers = _mail_of(user, case, asked["message"])
    form = TypedForm(request.POST)
    try:
        draft = open_draft(
            author=user,
            case=case,
            mode=mode,
            answers=answers,
            typed=form.typed(),
            key=form.key(),
            kept=form.kept(),
        )
    except TooManyDrafts as refusal:
        return JsonResponse({"error": str(refusal)}, status=UNPROCESSABLE)
    return JsonResponse({**_saved(draft), "id": draft.pk, "key": draft.key, "files": _files_json(draft)}, status=201)


@require_POST
@login_required
def save(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Autosave. `version` is the one the composer knows; `force=1` overwrites what another tab saved."""
    user, form = _author(request), TypedForm(request.POST)
    version = None if request.POST.get("force") == "1" else form.version()
    draft = own_drafts(user).filter(pk=draft_id).select_related("case").first()
    mode = request.POST.get("mode", "")
    answers = _mail_of(user, draft.case, request.POST.get("message", "")) if draft is not None else None
    try:
        draft = save_draft(
            draft_id,
            author=user,
            version=version,
            typed=form.typed(),
            mode=Draft.Mode(mode) if mode in Draft.Mode.values else None,
            answers=answers,
        )
    except DraftGone as gone:
        if Draft.objects.filter(pk=draft_id, author=user).exists():
            return _refused(NOT_SEEN)
        return JsonResponse({"error": str(gone)}, status=GONE)
    except NewerVersion as newer:
        return JsonResponse({"version": newer.version, "error": str(newer)}, status=CONFLICT)
    # The text is kept, whoever may send it: what changed meanwhile is said before it is tried.
    refusal = refusal_of_user(user)
    return JsonResponse({**_saved(draft), "files": _files_json(draft), "refused": refusal.because if refusal else ""})


@require_POST
@login_required
def discard_draft(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Without JavaScript it leads back to the case, or to the list of drafts."""
    user = _author(request)
    draft = Draft.objects.filter(pk=draft_id, author=user).select_related("case").first()
    if draft is None:
        raise Http404
    discard(draft_id, author=user)
    if request.accepts("text/html") and not wants_fragment(request):
        return redirect("case", number=draft.case.number) if draft.case is not None else redirect("drafts")
    return HttpResponse(status=204)


@require_POST
@login_required
def upload(request: HttpRequest, draft_id: int) -> HttpResponse:
    """One or more `file`; `inline=1`: pictures for the text."""
    user = _author(request)
    field = FilesField(allow_empty_file=True)
    try:
        files = read_files(field.clean(request.FILES.getlist("file")))
        added = add_files(draft_id, author=user, files=files, inline=request.POST.get("inline") == "1")
    except DraftGone as gone:
        return JsonResponse({"error": str(gone)}, status=GONE)
    except CannotReply as refusal:
        return JsonResponse({"error": str(refusal)}, status=UNPROCESSABLE)
    except forms.ValidationError as refusal:
        return JsonResponse({"error": " ".join(refusal.messages)}, status=UNPROCESSABLE)
    return JsonResponse({"files": [_file_json(file) for file in added]}, status=201)


@require_POST
@login_required
def remove(request: HttpRequest, draft_id: int, file_id: int) -> HttpResponse:
    if not remove_file(draft_id, file_id, author=_author(request)):
        raise Http404
    return HttpResponse(status=204)


@require_safe
@login_required
def file(request: HttpRequest, draft_id: int, file_id: int) -> HttpResponseBase:
    """A picture in the text of a draft, or a file of it to look at again."""
    found = (
        DraftFile.objects.filter(pk=file_id, draft__in=own_drafts(request.user).filter(pk=draft_id))
        .select_related("blob")
        .first()
    )
    if found is None:
        raise Http404
    try:
        content = open_blob(found.blob)
    except FileNotFoundError as error:
        raise Http404 from error
    if found.inline and found.content_type in SHOWN_INLINE:
        return picture(content, content_type=found.content_type)
    return download(content, file_name=safe_file_name(found.file_name, f"file-{found.pk}"))


def _author(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _case(user: User, number: str) -> Case | None:
    return find_visible_case(user, int(number)) if is_key(number) else None


def _refused(because: str | Promise, *, status: int = FORBIDDEN) -> HttpResponse:
    """In words, beside a text that stays in its window."""
    return JsonResponse({"error": str(because)}, status=status)


def _mail_of(user: User, case: Case | None, word: str) -> EmailMessage | None:
    if case is None or not is_key(word):
        return None
    return visible_messages(user, case.number).filter(pk=int(word)).first()


def _saved(draft: Draft) -> dict[str, Any]:
    saved_at: datetime = draft.updated_at
    return {"version": draft.version, "saved_at": saved_at.isoformat().replace("+00:00", "Z")}


def _files_json(draft: Draft) -> list[dict[str, Any]]:
    return [_file_json(each) for each in draft.files.select_related("blob").order_by("pk")]


def _file_json(each: DraftFile) -> dict[str, Any]:
    return {
        "id": each.pk,
        "name": each.file_name,
        "size": each.blob.size,
        "inline": each.inline,
        "url": picture_url(each),
        "remove_url": reverse("draft_file_remove", kwargs={"draft_id": each.draft_id, "file_id": each.pk}),
        "content_id": each.content_id,
    }
