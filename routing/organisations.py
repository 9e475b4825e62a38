"""Which domains belong to one organisation, by the public suffix list that came with its package. Pure.

The list is never asked of a server: it is as new as the installed tldextract. Its private part counts too, so that two
tenants of a host that registered its suffix there are two organisations.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tldextract import TLDExtract

from routing.addresses import domain_of

__all__ = ["organisation_of", "organisational_domain"]

_HOST = re.compile(r"[\w.-]{1,253}")
_KEPT_ANSWERS = 10_000


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=_KEPT_ANSWERS)
def organisational_domain(domain: str) -> str:
    """RFC 7489 section 3.2: the public suffix and one label more. A suffix itself, and what is no domain, stay."""
    name = domain.lower().rstrip(".")
    if not _HOST.fullmatch(name):
        return name
    suffix = _suffixes().extract_str(name).suffix
    # The list's rule for what it does not name, such as "example", is "*": the last label.
    of_suffix = suffix.count(".") + 1
    return ".".join(name.split(".")[-of_suffix - 1 :])


def organisation_of(address: str) -> str:
    """The organisational domain of a mail address; "" for what is none."""
    return organisational_domain(domain_of(address))
