"""TXT questions to DNS, for signatures that nobody checked before us. Asked only where E2C_DNS is on. Pure."""

from __future__ import annotations

import time
from functools import lru_cache

import dns.exception
import dns.resolver

from routing.organisations import organisational_domain

__all__ = ["DnsSilent", "TxtLookups", "shared_lookups"]

QUESTION_SECONDS = 2.0  # for one question, all servers and tries together
KEPT_ANSWERS = 5_000
# So long a domain that did not answer is not asked again. Only that domain: whoever owns a silent name server must not
# be able to switch off the checks of everybody else's mail.
SILENT_SECONDS = 60.0
KEPT_SILENCES = 1_000


class DnsSilent(TimeoutError):
    """No name server answered, or none could; says nothing about the record."""


class TxtLookups:
    """Call it with a name: the TXT record's text, None when there is none. Raises DnsSilent.

    Answers, also negative ones, are kept as long as their TTL says.
    """

    def __init__(self, resolver: dns.resolver.Resolver) -> None:
        resolver.lifetime = QUESTION_SECONDS
        resolver.timeout = QUESTION_SECONDS / 2
        resolver.cache = dns.resolver.LRUCache(KEPT_ANSWERS)
        self._resolver = resolver
        self._silent_until: dict[str, float] = {}

    def __call__(self, name: str) -> str | None:
        domain = organisational_domain(name)
        if time.monotonic() < self._silent_until.get(domain, float("-inf")):
            raise DnsSilent(f"No name server answered for {domain[:100]} a moment ago.")
        try:
            answer = self._resolver.resolve(name, "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except (dns.resolver.LifetimeTimeout, OSError) as error:
            if len(self._silent_until) >= KEPT_SILENCES:
                self._silent_until.clear()
            self._silent_until[domain] = time.monotonic() + SILENT_SECONDS
            raise DnsSilent(f"No name server answered for {name[:100]}.") from error
        except dns.resolver.NoNameservers as error:
            raise DnsSilent(f"The name servers could not answer for {name[:100]}.") from error
        except (dns.exception.DNSException, UnicodeError):
            return None  # a name that cannot be one, chosen by the sender
        # RFC 6376 section 3.6.2.2, RFC 7489 section 6.1: the strings of one record are joined. Of several records the
        # key's or the policy's counts, for other texts may lie beside it.
        texts = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
        return next((text for text in texts if text.lower().startswith(("v=dmarc1", "v=dkim1"))), texts[0])


@lru_cache(maxsize=1)
def shared_lookups() -> TxtLookups | None:
    """One set of kept answers a process; None where the machine names no resolver."""
    try:
        return TxtLookups(dns.resolver.Resolver())
    except dns.resolver.NoResolverConfiguration:
        return None
