"""The page on which a customer says how it went: /feedback/<token>/. No account, and nothing is kept by looking."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cases.models import SatisfactionRequest
from cases.satisfaction import LONGEST_COMMENT, CannotAnswer, answer, find_request

GONE, TOO_MANY, FORBIDDEN = 410, 429, 403
# No script, and no frame of another page around the buttons.
FEEDBACK_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Wrong links from one address in a minute; right ones are not counted, their answers are (MOST_ANSWERS).
MOST_WRONG = 60
COUNTED_FOR = 60  # seconds


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD show two buttons: mail scanners open every link. POST keeps the answer."""
    try:
        asked = find_request(token)
    except CannotAnswer:
        return _headers(_refuse(request))
    with translation.override(asked.routing_address.language or settings.LANGUAGE_CODE):
        return _headers(_answer(request, asked, token))


def _answer(request: HttpRequest, asked: SatisfactionRequest, token: str) -> HttpResponse:
    context = {"asked": asked, "longest": LONGEST_COMMENT, "is_colleague": request.user.is_authenticated}
    if request.method != "POST":
        return render(request, "cases/feedback.html", context)
    if request.user.is_authenticated:
        # Reps can read the mail with the link; the answer is the customer's.
        return render(request, "cases/feedback.html", context, status=FORBIDDEN)
    try:
        context["asked"] = answer(
            token, rating=request.POST.get("rating", ""), comment=request.POST.get("comment", "")
        )
    except CannotAnswer:
        return _refuse(request)
    return render(request, "cases/feedback.html", context | {"is_kept": True})


def _refuse(request: HttpRequest) -> HttpResponse:
    key = f"feedback-wrong:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, COUNTED_FOR)
    try:
        is_flood = cache.incr(key) > MOST_WRONG
    except ValueError:  # it ran out in this moment
        is_flood = False
    return render(request, "cases/feedback.html", {"is_refused": True}, status=TOO_MANY if is_flood else GONE)


def _headers(response: HttpResponse) -> HttpResponse:
    # The address of this page is a secret that must not travel on; "no-referrer" would make browsers hide the Origin
    # of the form as well, which Django's CSRF check needs.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    response["Content-Security-Policy"] = FEEDBACK_POLICY
    return response
