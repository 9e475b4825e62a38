"""When mail has to be approved by a second person before it leaves. Decides who needs it, not who gives it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from routing.models import RecordType, RoutingAddress
from routing.permission_sets import counting_memberships

__all__ = ["approval_required_because"]


def approval_required_because(
    user: User, address: RoutingAddress, record_type: RecordType | None, *, at: datetime | None = None
) -> str:
    """The permission set or record type that requires it, in words; "" when the mail may leave at once.

    Of several permission sets by which the user holds a controlled address the most generous one counts: whoever was
    granted it without approval somewhere has it without approval. An address that every rep may use is held by none.
    At most two queries.
    """
    if record_type is not None and record_type.requires_approval:
        return _("Mail on cases of the type “%(name)s” needs approval.") % {"name": record_type.name}
    if not address.controlled_by_permission_set:
        return ""
    memberships = counting_memberships(user, address, at or timezone.now())
    demanding = [each.permission_set for each in memberships if each.permission_set.requires_approval]
    if not demanding or len(demanding) < len(memberships):
        return ""
    return _("Mail sent by the permission set “%(label)s” needs approval.") % {"label": demanding[0].label}
