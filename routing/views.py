"""The page behind the link of a verification mail. Whoever reads the mailbox may use it: no account is needed."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from routing.verification import Outcome, confirm, look_at


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_address(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD show what the button would do and change nothing: mail scanners open every link. POST verifies."""
    if request.method == "POST":
        by = request.user if isinstance(request.user, User) else None
        confirmation = confirm(token, by=by)
    else:
        confirmation = look_at(token)
    is_refused = confirmation.outcome is Outcome.REFUSED
    response = render(
        request,
        "routing/verify.html",
        {"outcome": confirmation.outcome.value, "address": confirmation.address},
        status=410 if is_refused else 200,
    )
    # The address of this page is a secret that must not travel on; "no-referrer" would make browsers hide the Origin
    # of the form as well, which Django's CSRF check needs.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response
