"""The wrong-recipient guard: what a rep should look at again before a mail leaves. Rules over facts; asks nothing of
the database (cases.outbound.guard_facts gathers the facts).

A warning stops nothing by itself. It stands above the button in words, and whoever sends has said that he or she has
seen exactly these (`seen`): one more stranger in To is one more warning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.merge_fields import marks_in
from routing.organisations import organisation_of

__all__ = ["MANY", "Risk", "Sending", "has_word_of_attachment", "risks_of", "seen"]

MANY = 10  # recipients; more than these are "many"
MOST_MARKS = 5  # shown in one warning
CONFIRMED_WHATEVER = "1"

# "attached", "see the attachment", "anbei", "im Anhang", "ci-joint", "pièce jointe", "adjunto", "archivo adjunto", ...
_ATTACHED = re.compile(
    r"(?<!\w)(?:"
    r"attach(?:ed|ing|ments?)|enclosed"
    r"|anbei|angeh[äa]ngt\w*|beigef[üu]gt\w*|(?:im|den|der|als|mit|siehe|diesem|dem)\s+anhang|anlagen?|beiliegend\w*"
    r"|ci[-\s]joint(?:e|s|es)?|pi[èe]ces?\s+jointes?|en\s+pj|ci[-\s]inclus\w*"
    r"|adjunt(?:o|a|os|as|amos|é|e|ado|ados)|anexo|anexos"
    r")(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Risk:
    """One warning. `about` tells two of one kind apart, so that a new one counts as not seen."""

    kind: str
    words: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The facts of a mail that is about to be sent."""

    recipients: Sequence[str]
    known: frozenset[str] = frozenset()  # addresses that take part in the case
    ours: frozenset[str] = frozenset()  # organisational domains of ours: colleagues are no strangers
    # Recipients who belong to another customer, each with the words that say to whom.
    others: Mapping[str, str] = field(default_factory=dict)
    bounced: frozenset[str] = frozenset()
    subject: str = ""
    text: str = ""  # what the author wrote, without quote
    has_files: bool = False
    answers_failed_authentication: bool = False
    is_new: bool = False  # no case yet: everybody is new, and nobody has to be told
    can_answer_into_case: bool = True  # not of a forward whose answers stay outside


def risks_of(sending: Sending) -> list[Risk]:
    """In the order in which they stand above the button, the worst first."""
    people = (_failed_authentication, _other_customer, _new_outsiders, _bounced, _many)
    words = (_unfilled, _no_attachment, _no_subject)
    return [risk for rule in (*people, *words) for risk in rule(sending)]


def seen(risks: Sequence[Risk]) -> str:
    """A word for exactly these warnings; "" for none. It comes back as `confirmed`."""
    told = sorted(f"{risk.kind}:{','.join(sorted(risk.about))}" for risk in risks)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:20] if told else ""


def is_confirmed(risks: Sequence[Risk], word: str) -> bool:
    """Whether the author has seen all of these. "1" is for programs that ask no questions."""
    return not risks or word in (seen(risks), CONFIRMED_WHATEVER)


def has_word_of_attachment(text: str) -> bool:
    """Whether a text in English, German, French or Spanish speaks of a file that goes along."""
    return _ATTACHED.search(text) is not None


def _failed_authentication(sending: Sending) -> Iterator[Risk]:
    if sending.answers_failed_authentication:
        yield Risk(
            "failed_authentication",
            _(
                "The mail that you answer may be forged: its sender could not be confirmed. Say nothing that only the "
                "customer may know."
            ),
        )


def _other_customer(sending: Sending) -> Iterator[Risk]:
    for address in sending.recipients:
        if address in sending.others and address not in sending.known:
            words = _("%(address)s belongs to another customer: %(who)s.")
            yield Risk("other_customer", words % {"address": address, "who": sending.others[address]}, (address,))


def _new_outsiders(sending: Sending) -> Iterator[Risk]:
    if sending.is_new:
        return
    new = [
        address
        for address in sending.recipients
        if address not in sending.known
        and address not in sending.others
        and organisation_of(address) not in sending.ours
    ]
    if new:
        words = ngettext(
            "%(people)s has not been part of this case.", "%(people)s have not been part of this case.", len(new)
        ) % {"people": ", ".join(new)}
        if sending.can_answer_into_case:
            words += " " + _("Whoever gets this mail can answer into it.")
        yield Risk("new_outsider", words, tuple(new))


def _bounced(sending: Sending) -> Iterator[Risk]:
    for address in sending.recipients:
        if address in sending.bounced:
            words = _("The last mail to %(address)s did not arrive.") % {"address": address}
            yield Risk("bounced", words, (address,))


def _many(sending: Sending) -> Iterator[Risk]:
    if len(sending.recipients) > MANY:
        words = _("This mail goes to %(count)d people.") % {"count": len(sending.recipients)}
        yield Risk("many_recipients", words, (str(len(sending.recipients)),))


def _unfilled(sending: Sending) -> Iterator[Risk]:
    marks = marks_in(f"{sending.subject}\n{sending.text}")
    if marks:
        words = ngettext(
            "Nothing was filled in for %(marks)s. Write something there: the customer would read the braces.",
            "Nothing was filled in for %(marks)s. Write something there: the customer would read the braces.",
            len(marks),
        )
        yield Risk("unfilled_fields", words % {"marks": ", ".join(marks[:MOST_MARKS])}, marks)


def _no_attachment(sending: Sending) -> Iterator[Risk]:
    if not sending.has_files and has_word_of_attachment(sending.text):
        yield Risk("forgotten_attachment", _("You write of an attachment, but no file is attached."))


def _no_subject(sending: Sending) -> Iterator[Risk]:
    if not sending.subject.strip():
        yield Risk("empty_subject", _("The mail has no subject."))
