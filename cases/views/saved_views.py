"""Saving a list under a name, and changing or deleting one of one's own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.models import SavedView
from cases.saved_views import ViewNotSaved, change_view, save_view


@require_POST
@login_required
def create(request: HttpRequest) -> HttpResponse:
    query = request.POST.get("query", "")
    try:
        view = save_view(
            owner=request.user,
            name=request.POST.get("name", ""),
            query=query,
            is_shared="is_shared" in request.POST,
        )
    except ViewNotSaved as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{reverse('case_list')}?{query}")
    messages.success(request, _("Saved. You find the list among the views."))
    return _list_of(view)


@require_POST
@login_required
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    view = _own_view(request, view_id)
    try:
        change_view(
            view,
            name=request.POST.get("name", ""),
            is_shared="is_shared" in request.POST,
            query=request.POST.get("query"),
        )
    except ViewNotSaved as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return _list_of(view)


@require_POST
@login_required
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    view = _own_view(request, view_id)
    name = view.name
    view.delete()
    messages.success(request, _("The view “%s” is deleted. Its cases are where they were.") % name)
    return redirect("case_list")


def _own_view(request: HttpRequest, view_id: int) -> SavedView:
    """Views of others are not found, shared or not."""
    user = request.user
    view = SavedView.objects.filter(pk=view_id, owner=user).first() if isinstance(user, User) else None
    if view is None:
        raise Http404
    return view


def _list_of(view: SavedView) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('case_list')}?saved={view.pk}")
