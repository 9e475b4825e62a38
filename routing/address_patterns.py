"""What an admin lists under "accept email from" and "block email from": addresses, domains, subdomains. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routing.addresses import ascii_domain, domain_of, normalise_address

__all__ = ["AddressPatterns", "BadAddressPattern"]


class BadAddressPattern(ValueError):
    """An entry that is neither an address nor a domain. `entry` is the entry as typed."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        super().__init__(
            f'"{entry[:200]}" is not allowed here. Write addresses (casey@example.com), domains (example.com or '
            "@example.com) or all subdomains of a domain (*.example.com), separated by commas, blanks or lines."
        )


@dataclass(frozen=True, slots=True)
class AddressPatterns:
    """Addresses and domains that an admin listed. An empty list is false, and matches nothing."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    parent_domains: frozenset[str] = frozenset()  # from `*.example.com`: its subdomains, not the domain itself

    @classmethod
    def parse(cls, text: str) -> AddressPatterns:
        """Read entries between commas, semicolons, blanks or lines. Raises BadAddressPattern for the first bad one."""
        addresses, domains, parents = set(), set(), set()
        for entry in re.split(r"[,;\s]+", text):
            if not entry:
                continue
            name = entry.removeprefix("*@").removeprefix("@")
            is_parent = name.startswith("*.")
            domain = ascii_domain(name.removeprefix("*."))
            if "@" in name:
                address = normalise_address(name)
                if address is None or "*" in name:
                    raise BadAddressPattern(entry)
                addresses.add(address)
            elif domain is None or "." not in domain.strip("[]") or domain.startswith("-"):
                raise BadAddressPattern(entry)
            elif is_parent:
                parents.add(domain)
            else:
                domains.add(domain)
        return cls(frozenset(addresses), frozenset(domains), frozenset(parents))

    def __bool__(self) -> bool:
        return bool(self.addresses or self.domains or self.parent_domains)

    def matches(self, address: str) -> bool:
        """Whether an address, normalised or not, is one of those listed."""
        normalised = normalise_address(address)
        if normalised is None:
            return False
        domain = domain_of(normalised)
        if normalised in self.addresses or domain in self.domains:
            return True
        labels = domain.split(".")
        return any(".".join(labels[start:]) in self.parent_domains for start in range(1, len(labels)))
