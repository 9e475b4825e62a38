"""Whom a reply goes to: what a rep typed, checked, and whom it is offered to go to.

What is offered is never a stranger's choice. Somebody who joined with a valid link ("new participant"), or whom a
Reply-To of another domain names, gets an answer only when a rep types the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.utils.translation import gettext as _

from cases.models import Case, EmailAddress, EmailMessage, Participant
from cases.outbound.composing import one_line, split_sender
from cases.thread_keys import signing_keys
from cases.thread_token import case_of_reply_address
from routing.addresses import MailAddress, domain_of, normalise_address, read_address_list
from routing.matching import Directory, Recipient

__all__ = [
    "MOST_RECIPIENTS",
    "Answered",
    "BadRecipients",
    "Offered",
    "check_recipients",
    "chosen_answer",
    "find_answered",
    "offered_recipients",
    "own_addresses_among",
    "split_recipients",
    "takes_part_in",
    "written_recipients",
]

MOST_RECIPIENTS = 50
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less its angle brackets
LONGEST_NAME = 100
# The mails of a case among which the one to be answered is looked for, newest first.
MOST_MAILS = 50

_ENTRY = re.compile(r'(?:"[^"\n]*"|[^",;\n])+|"')
_NEVER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class BadRecipients(ValueError):
    """These recipients cannot be written to; the message says why, for the person who typed them, `role` where."""

    def __init__(self, message: str, *, role: EmailAddress.Role = EmailAddress.Role.TO) -> None:
        super().__init__(message)
        self.role = role


@dataclass(frozen=True, slots=True)
class Answered:
    """The mail that a reply answers. `may_be_quoted`: its author is among the recipients."""

    message: EmailMessage
    may_be_quoted: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """The recipients that a composer starts with."""

    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()


def split_recipients(text: str) -> list[str]:
    """What was typed into one field, cut at commas, semicolons and line ends outside quotes."""
    return [entry.strip() for entry in _ENTRY.findall(text.replace("\r\n", "\n").replace("\r", "\n")) if entry.strip()]


def written_recipients(people: Iterable[MailAddress]) -> str:
    """As a rep would type them; a name that needs quotes has them."""
    return ", ".join(_entry(person) for person in people)


def _entry(person: MailAddress) -> str:
    name = one_line(person.name.replace('"', ""), limit=80)
    if not name or "@" in name or "\\" in name:
        return person.address
    return f"{name} <{person.address}>" if name.replace(" ", "").isalnum() else f'"{name}" <{person.address}>'


def check_recipients(
    to: Iterable[str], cc: Iterable[str] = (), bcc: Iterable[str] = ()
) -> dict[EmailAddress.Role, list[MailAddress]]:
    """Each entry as one address, nobody twice. Raises BadRecipients. One query."""
    found: dict[EmailAddress.Role, list[MailAddress]] = {}
    seen: set[str] = set()
    for role, entries in ((EmailAddress.Role.TO, to), (EmailAddress.Role.CC, cc), (EmailAddress.Role.BCC, bcc)):
        found[role] = []
        for entry in entries:
            person = _read_entry(entry, role)
            if person.address not in seen:
                seen.add(person.address)
                found[role].append(person)
    if not found[EmailAddress.Role.TO]:
        raise BadRecipients(_("Enter at least one address to send to."))
    if len(seen) > MOST_RECIPIENTS:
        raise BadRecipients(
            _("One reply goes to at most %(most)d addresses; these are %(count)d.")
            % {"most": MOST_RECIPIENTS, "count": len(seen)}
        )
    ours = own_addresses_among(seen)
    for role, people in found.items():
        for person in people:
            if person.address in ours:
                words = _("%(address)s is one of our own addresses: the mail would come back to us.")
                raise BadRecipients(words % {"address": person.address}, role=role)
    return found


def _read_entry(entry: str, role: EmailAddress.Role) -> MailAddress:
    shown = one_line(entry, limit=80)
    bad = BadRecipients(_("“%(entry)s” is not one email address.") % {"entry": shown}, role=role)
    if _NEVER.search(entry) or "=?" in entry or len(entry) > 500:
        raise bad
    people = read_address_list(entry)
    # The standard library reads it as well: what two readers understand differently is sent to nobody.
    other = normalise_address(parseaddr(entry)[1])
    if len(people) != 1 or entry.count("@") > people[0].name.count("@") + 1 or other != people[0].address:
        raise bad
    person = people[0]
    local, _at, _domain = person.address.rpartition("@")
    if not local.isascii():
        raise BadRecipients(
            _("“%(entry)s” has letters before the @ that not every mail server takes.") % {"entry": shown}, role=role
        )
    if len(person.address) > LONGEST_ADDRESS:
        raise bad
    return MailAddress(name=one_line(person.name, limit=LONGEST_NAME), address=person.address)


def own_addresses_among(addresses: Iterable[str]) -> set[str]:
    """Those to which mail comes back to us: routing and services addresses, also with a tag, and the system's own.
    One query.
    """
    wanted = list(dict.fromkeys(addresses))
    directory = Directory.of(wanted)
    system = normalise_address(split_sender(settings.E2C_SYSTEM_FROM)[1])
    keys = signing_keys()
    return {
        address
        for address in wanted
        if address == system
        or domain_of(address) == settings.E2C_INBOUND_DOMAIN
        or case_of_reply_address(address, keys) is not None
        or _is_current(directory, address)
    }


def _is_current(directory: Directory, address: str) -> bool:
    match = directory.match(Recipient(address, 2, "To"), plus_tags=True)
    return match is not None and not match.routing_address.is_deleted


# --- the mail that is answered ---------------------------------------------------------------------------------------


def find_answered(case: Case, recipients: Iterable[str] | None = None) -> Answered | None:
    """The newest mail of one of the recipients, else of somebody who takes part in the case. None: there is none.

    A mail is quoted to its own author alone, not to others without him: with the address of somebody's case anybody
    can make a third party write into it, such as a service that mails a link to confirm an account, and would read
    that in our quote. Three queries.
    """
    mails = list(
        EmailMessage.objects.filter(case=case, incoming=True)
        .defer("html_body", "headers")
        .prefetch_related("addresses")
        .order_by("-received_at", "-pk")[:MOST_MAILS]
    )
    if not mails:
        return None
    wanted = set(recipients or ())
    takes_part = takes_part_in(case)
    of_people = [mail for mail in mails if not mail.is_automatic] or mails
    for mail in of_people:
        if wanted & {mail.from_address, *(each.address for each in _own_reply_to(mail, takes_part))}:
            return Answered(mail, may_be_quoted=True)
    known = [mail for mail in of_people if mail.from_address in takes_part]
    return Answered((known or of_people)[0], may_be_quoted=False)


def chosen_answer(case: Case, mail: EmailMessage, recipients: Iterable[str]) -> Answered:
    """The mail that a rep chose to answer; it may be quoted under the same rule. Two queries."""
    if not mail.incoming:
        return Answered(mail, may_be_quoted=False)
    people = {mail.from_address, *(each.address for each in _own_reply_to(mail, takes_part_in(case)))}
    return Answered(mail, may_be_quoted=bool(people & set(recipients)))


def takes_part_in(case: Case) -> set[str]:
    """Who may be written to without a second thought: participants but new ones, and the customer. One query."""
    people = set(
        Participant.objects.filter(case=case).exclude(role=Participant.Role.NEW).values_list("address", flat=True)
    )
    return people | {case.supplied_email} if case.supplied_email else people


def _own_reply_to(mail: EmailMessage, takes_part: set[str]) -> list[EmailAddress]:
    """Where the author wants answers, as far as it is the author's own word: an address of the same domain, in a mail
    that the domain does not disown, or of somebody who takes part.
    """
    if mail.dmarc == "fail" or "sender_ambiguous" in mail.flags:
        return []
    return [
        each
        for each in mail.addresses.all()
        if each.role == EmailAddress.Role.REPLY_TO
        and (each.address in takes_part or domain_of(each.address) == domain_of(mail.from_address))
    ]


def offered_recipients(case: Case, *, to_all: bool, message: EmailMessage | None = None) -> Offered:
    """The customer and, for a reply to all, everybody else who was in the mail that is answered and takes part in the
    case. Never our own addresses, never a new participant. At most four queries.

    `message`: the mail that a rep chose to answer. Its author is offered even when new, for that was the choice; a
    mail of ours is followed up to whom it went.
    """
    takes_part = takes_part_in(case)
    if message is not None and not message.incoming:
        return _follow_up(message, to_all=to_all)
    answered = message or _newest_of(case, takes_part)
    if answered is None:
        to = [MailAddress(case.supplied_name, case.supplied_email)] if case.supplied_email else []
        others: Sequence[EmailAddress] = []
    else:
        reply_to = [MailAddress(each.name, each.address) for each in _own_reply_to(answered, takes_part)]
        to = reply_to[:1] or [MailAddress(answered.from_name, answered.from_address)]
        others = [each for each in answered.addresses.all() if each.role in ("to", "cc")]
    cc = [MailAddress(each.name, each.address) for each in others if each.address in takes_part] if to_all else []
    ours = own_addresses_among([person.address for person in (*to, *cc)])
    to = [person for person in to if person.address and person.address not in ours]
    cc = [person for person in cc if person.address not in ours | {each.address for each in to}]
    return Offered(tuple(to), tuple({person.address: person for person in cc}.values())[: MOST_RECIPIENTS - 1])


def _follow_up(message: EmailMessage, *, to_all: bool) -> Offered:
    people = {role: [each for each in message.addresses.all() if each.role == role] for role in ("to", "cc")}
    to = tuple(MailAddress(each.name, each.address) for each in people["to"])
    return Offered(to, tuple(MailAddress(each.name, each.address) for each in people["cc"]) if to_all else ())


def _newest_of(case: Case, people: set[str]) -> EmailMessage | None:
    mails = EmailMessage.objects.filter(case=case, incoming=True, from_address__in=people)
    return (
        mails.defer("html_body", "headers", "text_body", "reply_text")
        .prefetch_related("addresses")
        .order_by("is_automatic", "-received_at", "-pk")
        .first()
    )
