"""What became of one mail: what `settle` hands back to `ingest`, and what failures are recorded on."""

from __future__ import annotations

from dataclasses import dataclass

from cases.inbound.decision import AppendToCase, Decision, OpenCase, ReadEmail, SeenBefore
from cases.inbound.trail import Trail
from cases.models import Case, EmailMessage, InboundEmail
from cases.reasons import Reason


@dataclass(slots=True)
class Settled:
    """What became of one mail; `email` and `case` are None where reading or the decision gave none."""

    inbound: InboundEmail
    trail: Trail
    mail: ReadEmail | None = None
    decision: Decision | None = None
    message: EmailMessage | None = None
    state: str = ""
    reason: str = ""
    because: str = ""

    @property
    def thread_basis(self) -> str:
        """What tied the mail to its case; "none" for a new matter and for mails that stayed outside."""
        return self.decision.thread.basis if isinstance(self.decision, AppendToCase) else EmailMessage.ThreadBasis.NONE

    @property
    def case(self) -> Case | None:
        """The case that was opened or added to; for a duplicate, the case of the mail it repeats."""
        if self.message is not None:
            return self.message.case
        if isinstance(self.decision, SeenBefore):
            return self.decision.original.case
        return self.decision.case if isinstance(self.decision, AppendToCase) else None


def describe_outcome(settled: Settled) -> None:
    """State and reason of a decision, written or (dry run) not."""
    decision = settled.decision
    if isinstance(decision, SeenBefore):
        settled.state, settled.reason = InboundEmail.State.DUPLICATE, Reason.SAME_MAIL
        settled.because = "another delivery of a mail received before"
    elif isinstance(decision, AppendToCase):
        settled.state = InboundEmail.State.APPENDED
    elif isinstance(decision, OpenCase):
        settled.state = InboundEmail.State.CASE
    elif decision is not None:
        settled.state, settled.reason, settled.because = decision.state, decision.reason, decision.because
