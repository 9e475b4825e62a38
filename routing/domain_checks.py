"""Ask DNS about the domains we send from, keep the answers, and say them in words.

Asked by a click and once a day by the sweeper, never while a page is made; never at all while E2C_DNS is off.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import dns.resolver
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from routing.addresses import ascii_domain, domain_of
from routing.dns_checks import UNKNOWN, DnsFinding, TxtRecords, check_domain
from routing.mail_services import SERVICES, MailService, service_of_host
from routing.models import Connection, DomainCheck, RoutingAddress

__all__ = ["DnsIsOff", "check_due_domains", "check_now", "findings_of", "kept_check", "service_of", "words_of"]

logger = logging.getLogger(__name__)

CHECK_AGAIN_AFTER = timedelta(hours=24)
MOST_AT_ONCE = (
    3  # domains in one round of the sweeper: each may take some seconds (dns_checks.ALL_SECONDS) while mail waits
)


class DnsIsOff(RuntimeError):
    """E2C_DNS is off: nothing is asked."""


def service_of(address: RoutingAddress) -> MailService:
    """The service through which mail from this address leaves."""
    connection = address.connection
    if connection is not None:
        if connection.kind == Connection.Kind.ANYMAIL:
            return SERVICES.get(connection.esp) or MailService(connection.esp)
        if connection.kind == Connection.Kind.SMTP:
            return service_of_host(connection.host)
        return SERVICES[connection.kind]
    scheme, _mark, _rest = settings.E2C_EMAIL_URL.partition(":")
    if scheme.startswith("anymail+"):
        name = scheme.removeprefix("anymail+").lower()
        return SERVICES.get(name) or MailService(name)
    return service_of_host(urlsplit(settings.E2C_EMAIL_URL).hostname or "")


def new_resolver() -> dns.resolver.Resolver:
    """The machine's own name servers. Raises NoResolverConfiguration."""
    return dns.resolver.Resolver()


def check_now(address: RoutingAddress, *, now: datetime) -> DomainCheck:
    """Ask about the domain of an address, and keep what was answered. Raises DnsIsOff."""
    if not settings.E2C_DNS:
        raise DnsIsOff
    service = service_of(address)
    domain = ascii_domain(domain_of(address.email_address)) or domain_of(address.email_address)
    try:
        findings = check_domain(domain, service, TxtRecords(new_resolver()))
    except dns.resolver.NoResolverConfiguration:
        findings = [DnsFinding(name, UNKNOWN, "no_resolver") for name in ("spf", "dkim", "dmarc")]
    check, _created = DomainCheck.objects.update_or_create(
        domain=domain,
        service=service.name[:253],
        defaults={"checked_at": now, "findings": [asdict(each) for each in findings]},
    )
    return check


def kept_check(address: RoutingAddress) -> DomainCheck | None:
    domain = ascii_domain(domain_of(address.email_address)) or domain_of(address.email_address)
    return DomainCheck.objects.filter(domain=domain, service=service_of(address).name[:253]).first()


def findings_of(check: DomainCheck) -> list[DnsFinding]:
    return [DnsFinding(**each) for each in check.findings]


def check_due_domains(*, now: datetime | None = None) -> int:
    """The sweeper's part: domains of addresses in use that were not asked about for a day. Returns how many were."""
    if not settings.E2C_DNS:
        return 0
    now = now or timezone.now()
    fresh = set(DomainCheck.objects.filter(checked_at__gt=now - CHECK_AGAIN_AFTER).values_list("domain", "service"))
    asked = 0
    addresses = RoutingAddress.objects.not_deleted().verified().filter(is_active=True).select_related("connection")
    for address in addresses.order_by("pk").iterator():
        domain = ascii_domain(domain_of(address.email_address)) or domain_of(address.email_address)
        key = (domain, service_of(address).name[:253])
        if key in fresh:
            continue
        check_now(address, now=now)
        fresh.add(key)
        asked += 1
        if asked >= MOST_AT_ONCE:
            logger.info("dns: %s domains asked, more in the next round", asked)
            break
    return asked


def words_of(finding: DnsFinding) -> tuple[str, str]:
    """(what is so, what to do next)."""
    value = {"value": finding.value}
    match finding.code:
        case "no_answer":
            return _("DNS did not answer (%(value)s).") % value, _("Check again later.")
        case "no_resolver":
            return _("This machine names no DNS server."), _("Set one up in its resolv.conf.")
        case "spf_none_needed":
            return _("The domain has no SPF record."), _(
                "%(value)s tells on its own page whether it needs one. DKIM carries DMARC as well."
            ) % value
        case "spf_missing":
            return _("The domain has no SPF record: receivers cannot see that %(value)s may send for it.") % value, _(
                "Publish this TXT record."
            )
        case "spf_several":
            return _("There are %(value)s SPF records. Receivers treat that as an error and believe none.") % value, _(
                "Replace all of them by this one."
            )
        case "spf_open":
            return _("The SPF record ends in +all: everybody in the world may send for the domain."), _(
                "End it in ~all or -all."
            )
        case "spf_lookups":
            return _(
                "The SPF record costs %(value)s look-ups; above 10 receivers give up and believe none."
            ) % value, _("Remove services that you use no more, or write their addresses as ip4 and ip6.")
        case "spf_no_room":
            return _("Our mail service is missing, and with it the record would cost %(value)s look-ups of 10.") % (
                value
            ), _("First remove services that you use no more.")
        case "spf_broken":
            return _("The SPF record includes %(value)s, where no single SPF record is: an error for receivers.") % (
                value
            ), _("Remove or correct that include.")
        case "spf_service_unknown":
            return _("There is one SPF record. Whether it lets %(value)s send cannot be told from here.") % (
                {"value": finding.value or _("this machine")}
            ), _("Send a test mail: its way shows what a receiver found.")
        case "spf_ok":
            return _("The SPF record names our mail service and costs %(value)s of 10 look-ups.") % value, ""
        case "spf_include_missing":
            return _("The SPF record does not name %(value)s.") % value, _(
                "Change the record to this one. Do not add a second record."
            )
        case "dkim_selector_unknown":
            return _("Under which name the key is published only %(value)s knows.") % (
                {"value": finding.value or _("the operator of the mail server")}
            ), _("Copy the record from there, then send a test mail: its way shows whether the signature holds.")
        case "dkim_ok":
            return _("A key is published as %(value)s.") % value, ""
        case "dkim_revoked":
            return _("The key at %(value)s is empty, which means revoked.") % value, _("Publish the new key.")
        case "dkim_missing":
            return _("No key of %(value)s is published.") % value, _(
                "Switch on DKIM for the domain at %(value)s and publish the record that it shows."
            ) % value
        case "dmarc_several":
            return _("There are several DMARC records at %(value)s: receivers ignore them all.") % value, _(
                "Keep one of them."
            )
        case "dmarc_missing":
            return _("The domain has no DMARC record; large receivers ask for one."), _("Publish this TXT record.")
        case "dmarc_no_policy":
            return _("The DMARC record has no valid policy."), _("Write p=none, p=quarantine or p=reject.")
        case "dmarc_none":
            return _("The DMARC policy is none: receivers watch and deliver."), ""
        case "dmarc_ok":
            return _("The DMARC policy is %(value)s.") % value, ""
    return finding.code, ""
