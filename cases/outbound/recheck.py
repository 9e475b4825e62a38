"""May this mail still leave? Asked by the worker at the moment of sending, after form and use case."""

from __future__ import annotations

from cases.models import Outbox

__all__ = ["refusal_at_send"]


def refusal_at_send(outbox: Outbox) -> str:
    """Why the mail must not leave; "" when it may.

    Without a from_address it leaves from E2C_SYSTEM_FROM, which the operator of the instance vouches for. Everything
    else is refused unless a check in here has said yes: no mail leaves from an address because a check was forgotten.
    """
    if outbox.from_address is None and outbox.kind in (Outbox.Kind.NOTICE, Outbox.Kind.TEST):
        return ""
    return (
        f"No rule permits mail of the kind {outbox.kind} to leave from {outbox.from_address or 'the system address'}."
    )
