"""The console has three panes - views, list, conversation - and every address stands for one of them.

A view renders a fragment. Asked by HTMX it answers with the fragment alone; asked by a browser (a reload, a link in a
mail, no JavaScript) with the whole console around it. The other panes then fill themselves, so that no request has to
read all three.
"""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

__all__ = ["render_pane", "wants_fragment"]

Pane = Literal["views", "list", "conversation"]


def wants_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page. Going back to a page that its history lost asks for all of it."""
    htmx = request.htmx  # type: ignore[attr-defined]  # set by django_htmx.middleware.HtmxMiddleware
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_pane(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    pane: Pane,
    title: str,
    status: int = 200,
) -> HttpResponse:
    """`template` is a fragment without <html>. `title` goes into the title of the page, in either case."""
    context = context | {"pane": pane, "title": title, "pane_template": template}
    if wants_fragment(request):
        context["is_fragment"] = True
        response = render(request, "cases/fragment.html", context, status=status)
    else:
        response = render(request, "cases/console.html", context, status=status)
    # Tells the scripts of the console that this is for a pane, whatever its status (static/cases/console/panes.js).
    response.headers["X-Pane"] = pane
    # One address, two answers: no cache may give one for the other.
    patch_vary_headers(response, ["HX-Request"])
    return response
