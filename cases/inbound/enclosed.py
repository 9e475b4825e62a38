"""Content that comes with a request of the mail lab, in the place of what the provider would hand out by API.

It is signed with this instance's own key. Whoever may post as a provider cannot thereby answer for the provider's API:
an enclosure that we did not sign is no enclosure, and the request is kept for a person.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing

__all__ = ["Content", "ForeignEnclosure", "enclose", "enclosed_contents"]

MEMBER = "mail_lab"  # of the request, beside the provider's own
SALT = "cases.inbound.enclosed"


class ForeignEnclosure(ValueError):
    """What a request encloses was not signed by this instance."""


@dataclass(frozen=True, slots=True)
class Content:
    content_type: str
    content: bytes


def enclose(request: Mapping[str, Any], contents: Mapping[str, Content]) -> dict[str, Any]:
    """The request with the contents. Their names are the last words of the URLs at which the provider has them."""
    described = {
        name: {"type": each.content_type, "base64": base64.b64encode(each.content).decode("ascii")}
        for name, each in contents.items()
    }
    return {**request, MEMBER: signing.Signer(salt=SALT).sign_object(described)}


def enclosed_contents(body: bytes) -> dict[str, Content] | None:
    """What a request encloses; None for every request that a provider makes. Raises ForeignEnclosure."""
    if f'"{MEMBER}"'.encode() not in body:
        return None
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or MEMBER not in request:
        return None
    try:
        described = signing.Signer(salt=SALT).unsign_object(str(request[MEMBER]))
    except (signing.BadSignature, ValueError) as error:
        raise ForeignEnclosure("the request encloses content that this instance did not sign") from error
    return {name: Content(each["type"], base64.b64decode(each["base64"])) for name, each in described.items()}
