"""Gather what the wrong-recipient guard judges (cases.outbound.guard). Reads a bounded number of rows, writes none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cases.models import Case, Contact, Delivery, EmailMessage
from cases.outbound.guard import Sending
from cases.outbound.recipients import split_recipients, takes_part_in
from cases.selectors.visible import visible_cases
from routing.addresses import domain_of, read_address_list
from routing.models import RoutingAddress
from routing.organisations import organisation_of

__all__ = ["gather_facts"]

UNSURE = frozenset({"dmarc_failed", "sender_ambiguous"})
# At these domains people are neighbours by chance.
PUBLIC_MAIL = frozenset(
    {"aol.com", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com"}
    | {
        "hotmail.de",
        "hotmail.es",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "live.com",
        "mail.com",
        "me.com",
        "msn.com",
    }
    | {
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "outlook.es",
        "outlook.fr",
        "proton.me",
        "protonmail.com",
        "t-online.de",
    }
    | {"web.de", "yahoo.com", "yahoo.de", "yahoo.es", "yahoo.fr", "yandex.com"}
)
MOST_CHECKED = 50  # recipients of one mail


def gather_facts(
    *,
    author: Any,
    case: Case | None,
    answers: EmailMessage | None,
    recipients: Iterable[str],
    subject: str,
    text: str,
    has_files: bool,
    can_answer_into_case: bool = True,
) -> Sending:
    """`recipients` as typed; what is no address is left to the check of the form. At most six queries."""
    people = [person.address for entry in recipients for person in read_address_list(entry)]
    addresses = list(dict.fromkeys(people))[:MOST_CHECKED]
    known = frozenset(takes_part_in(case)) if case is not None else frozenset()
    ours = frozenset(
        organisation_of(address)
        for address in RoutingAddress.objects.not_deleted().values_list("email_address", flat=True)[:1000]
    )
    strangers = [each for each in addresses if each not in known and organisation_of(each) not in ours]
    return Sending(
        recipients=addresses,
        known=known,
        ours=ours,
        others=_others(strangers, known, author=author, case=case) if case is not None else {},
        bounced=_bounced(addresses),
        subject=subject,
        text=text,
        has_files=has_files,
        answers_failed_authentication=_is_unsure(case, answers),
        is_new=case is None,
        can_answer_into_case=can_answer_into_case,
    )


def _others(strangers: list[str], known: frozenset[str], *, author: Any, case: Case) -> dict[str, str]:
    """Recipients who are known as somebody else's: by their address, else by their domain. Names of customers whose
    cases the author may not see are not told.
    """
    if not strangers:
        return {}
    known_organisations = {organisation_of(address) for address in known}
    found: dict[str, str] = {}
    contacts = Contact.objects.annotate(lower=Lower("email")).filter(lower__in=strangers)
    if case.contact_id is not None:
        contacts = contacts.exclude(pk=case.contact_id)
    may_know = Exists(visible_cases(author).filter(contact=OuterRef("pk")))
    for contact in contacts.annotate(may_know=may_know)[:MOST_CHECKED]:
        who = contact.company or contact.name if contact.may_know else _("a contact of another case")
        found[contact.lower] = who
    of_cases = Case.objects.filter(supplied_email__in=[each for each in strangers if each not in found])
    for address in of_cases.exclude(pk=case.pk).order_by().values_list("supplied_email", flat=True).distinct():
        found[address] = _("the customer of another case")
    new = {each: organisation_of(each) for each in strangers if each not in found}
    new = {each: its for each, its in new.items() if its not in known_organisations and its not in PUBLIC_MAIL}
    companies = _companies({name for each, its in new.items() for name in (domain_of(each), its)}, may_know)
    for address, organisation in new.items():
        domain = domain_of(address)
        # Mail to a department's own domain is mail to the company that is known by the shorter one.
        domain = domain if domain in companies else organisation
        if domain in companies:
            names = {"domain": domain, "company": companies[domain]}
            found[address] = _("%(domain)s is the domain of %(company)s") % names
    return found


def _companies(domains: set[str], may_know: Exists) -> dict[str, str]:
    """To each of the domains that is a customer's: a company that the author may know of, else "another customer"."""
    if not domains:
        return {}
    contacts = Contact.objects.filter(domain__in=domains).annotate(may_know=may_know).order_by("-may_know", "pk")
    found: dict[str, str] = {}
    for email, company, known in contacts.values_list("email", "company", "may_know")[:MOST_CHECKED]:
        found.setdefault(domain_of(email.lower()), company if known and company else str(_("another customer")))
    return found


def _bounced(addresses: list[str]) -> frozenset[str]:
    """Those to whom the newest mail that something is known of did not arrive."""
    newest: dict[str, str] = {}
    rows = Delivery.objects.filter(recipient__in=addresses).order_by("-at", "-pk").values_list("recipient", "state")
    for recipient, state in rows[:500]:
        newest.setdefault(recipient, state)
    failed = (Delivery.State.BOUNCED, Delivery.State.COMPLAINED)
    return frozenset(recipient for recipient, state in newest.items() if state in failed)


def _is_unsure(case: Case | None, answers: EmailMessage | None) -> bool:
    if case is None:
        return False
    mail = answers
    if mail is None:
        incoming = EmailMessage.objects.filter(case=case, incoming=True).only("dmarc", "flags")
        mail = incoming.order_by("-received_at", "-pk").first()
    return mail is not None and mail.incoming and (mail.dmarc == "fail" or bool(UNSURE & set(mail.flags)))


def typed_recipients(*texts: str) -> list[str]:
    return [entry for text in texts for entry in split_recipients(text)]
