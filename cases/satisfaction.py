"""What the customer says how it went, by the signed link of the question (cases.outbound.satisfaction).

Whoever has the link may answer, nobody else learns whether there is a question: a link that is wrong, too old or used
up is one and the same refusal.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.core import signing
from django.db import transaction
from django.utils import timezone

from cases.mail_html.text import clean_text
from cases.models import CaseEvent, SatisfactionRequest
from cases.outbound.satisfaction import SALT

__all__ = ["LONGEST_COMMENT", "MOST_ANSWERS", "CannotAnswer", "answer", "find_request"]

Rating = SatisfactionRequest.Rating
LONGEST_COMMENT = 2000  # characters
# The first one and changes of it: enough for a change of mind, too few to fill a case's history.
MOST_ANSWERS = 10
LONGEST_TOKEN = 300


class CannotAnswer(Exception):
    """The link answers nothing. There is one reason for all."""


def find_request(token: str, *, now: datetime | None = None) -> SatisfactionRequest:
    """Whose link this is. Changes nothing. Raises CannotAnswer."""
    try:
        content = signing.loads(token, salt=SALT) if len(token) <= LONGEST_TOKEN else None
    except signing.BadSignature:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("r"), int):
        raise CannotAnswer
    found = (
        SatisfactionRequest.objects.select_related("case", "routing_address")
        .filter(pk=content["r"], refused_because="", expires_at__gt=now or timezone.now())
        .first()
    )
    if found is None or not secrets.compare_digest(found.nonce, str(content.get("n"))):
        raise CannotAnswer
    return found


@transaction.atomic
def answer(token: str, *, rating: str, comment: str, now: datetime | None = None) -> SatisfactionRequest:
    """Keep what the customer says; the same again changes nothing. Raises CannotAnswer."""
    now = now or timezone.now()
    if rating not in Rating.values:
        raise CannotAnswer
    key = find_request(token, now=now).pk
    request = SatisfactionRequest.objects.select_for_update().get(pk=key)
    comment = clean_text(comment.replace("\r\n", "\n").replace("\r", "\n")).strip()[:LONGEST_COMMENT]
    if (request.rating, request.comment) == (rating, comment):
        return request
    if request.answer_count >= MOST_ANSWERS:
        raise CannotAnswer
    is_first = not request.rating
    request.rating, request.comment, request.answered_at = rating, comment, now
    request.answer_count += 1
    request.save(update_fields=["rating", "comment", "answered_at", "answer_count"])
    words = f"{Rating(rating).label}: {comment}" if comment else str(Rating(rating).label)
    CaseEvent.objects.create(
        case_id=request.case_id,
        kind=CaseEvent.Kind.SATISFACTION_ANSWERED,
        because=" ".join(words.split())[:500],
        detail={"rating": rating, "first": is_first},
    )
    return request
