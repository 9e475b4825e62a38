"""The configuration as one file, at a page: download it, look at what a file would change, merge it.

Between the steps the text of the file stands in the form; nothing of it is kept on the server until it is merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin.dry_run import DAYS, MOST_MAILS, chosen_mails
from cases.configuration import export_configuration
from cases.configuration_changes import (
    MOST_BYTES,
    ChangedMeanwhile,
    ShownChanges,
    apply_changes,
    hidden_sections,
    look_at,
    text_of,
    try_changes,
)
from cases.inbound.replay import compare
from routing.admin.access import can_configure, signed_in
from routing.configuration.errors import ConfigurationError
from routing.configuration.importing import Change, Difference, ImportRun

__all__ = ["configuration_download", "configuration_page"]

TEMPLATE = "admin/cases/configuration_file.html"
URL_NAME = "admin:routing_emailtocasesettings_configuration"
MOST_ROWS = 300  # groups of changes on a page
MOST_NAMES = 40  # of a list of what the file leaves alone


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """All that changes about one row. `state`: added, changed or removed."""

    state: str
    noun: str
    name: str
    differences: list[Difference] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # changes that are no value: "+ member dana"


def configuration_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if not can_configure(request):
        raise PermissionDenied
    person = signed_in(request)
    context |= {
        "title": _("Configuration file"),
        "most_kb": MOST_BYTES // 1024,
        "days": DAYS,
        "hidden": sorted(hidden_sections(person)),
    }
    if request.method != "POST":
        return TemplateResponse(request, TEMPLATE, context)
    try:
        text = _posted_text(request)
        context["text"] = text
        if "apply" in request.POST:
            run = apply_changes(text, person, seal=request.POST.get("seal", ""))
            return _done(request, run)
        shown = look_at(text, person)
        context |= _in_words(shown)
        if "try" in request.POST:
            context |= _tried(request, text)
    except ConfigurationError as error:
        return TemplateResponse(request, TEMPLATE, context | _mistake(error), status=422)
    except ChangedMeanwhile:
        context |= _in_words(look_at(text, person)) | {"changed_meanwhile": True}
        return TemplateResponse(request, TEMPLATE, context, status=409)
    return TemplateResponse(request, TEMPLATE, context)


def configuration_download(request: HttpRequest) -> HttpResponse:
    """Without passwords, keys and tokens: no file ever holds them. Without what the person may not see."""
    if not can_configure(request):
        raise PermissionDenied
    text = export_configuration(without=hidden_sections(signed_in(request)))
    name = f"email-to-case-{timezone.now():%Y-%m-%d-%H%M}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


def _posted_text(request: HttpRequest) -> str:
    upload = request.FILES.get("file")
    if upload is not None:
        if (upload.size or 0) > MOST_BYTES:
            text_of(b"x" * (MOST_BYTES + 1))
        return text_of(upload.read())
    return text_of(request.POST.get("text", "").encode("utf-8", "surrogatepass"))


def _done(request: HttpRequest, run: ImportRun) -> HttpResponse:
    count = len(run.made)
    words = ngettext("%(count)s change was made.", "%(count)s changes were made.", count) % {"count": count}
    messages.success(request, words if count else _("Nothing differed; nothing was changed."))
    for note in run.notes[:20]:
        messages.warning(request, _("To do: %(what)s") % {"what": note})
    return HttpResponseRedirect(reverse(URL_NAME))


def _mistake(error: ConfigurationError) -> dict[str, Any]:
    where = "" if error.where.startswith("line ") and error.line else error.where
    return {"mistake": error.problem, "mistake_line": error.line, "mistake_where": where}


def _in_words(shown: ShownChanges) -> dict[str, Any]:
    rows = list(_rows(shown.run.made))
    unlisted = [
        (name, names[:MOST_NAMES], max(0, len(names) - MOST_NAMES)) for name, names in shown.run.unlisted.items()
    ]
    return {
        "is_shown": True,
        "seal": shown.seal,
        "rows": rows[:MOST_ROWS],
        "more_rows": max(0, len(rows) - MOST_ROWS),
        "count": len(shown.run.made),
        "unlisted": unlisted,
        "notes": shown.run.notes,
    }


def _rows(made: list[Change]) -> Iterator[ChangedRow]:
    """Changes of the same row as one: those that follow each other, a new row with what was then said about it."""
    states = {"+": "added", "~": "changed", "-": "removed"}
    for (noun, name), group in groupby(made, key=lambda change: (change.noun, change.name)):
        changes = list(group)
        row = ChangedRow(states[changes[0].sign], noun, name)
        for change in changes:
            if isinstance(change.what, Difference):
                row.differences.append(change.what)
            elif change.what:
                row.words.append(change.what)
        yield row


def _tried(request: HttpRequest, text: str) -> dict[str, Any]:
    """What the mail of the last days would become with the file merged."""
    person = signed_in(request)
    mails, is_cut = chosen_mails(request.POST)
    comparison = compare(mails, lambda: try_changes(text, person))
    return {
        "comparison": comparison,
        "looked_at": len(comparison.compared),
        "unchanged": len(comparison.compared) - len(comparison.changed),
        "is_cut": is_cut,
        "most": MOST_MAILS,
        "chosen_days": request.POST.get("dry_days", ""),
    }
