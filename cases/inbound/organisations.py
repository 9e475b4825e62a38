"""Which domains belong to one organisation, guessed without the public suffix list. Pure."""

from __future__ import annotations

__all__ = ["organisational_domain"]

# Words that a country puts before its own letters: "example.co.uk" is an organisation's, "co.uk" is not.
_SECOND_LEVEL = frozenset(
    (
        *("co", "com", "org", "net", "or", "ne", "ltd", "plc", "nom", "me", "id", "web", "in"),
        *("gov", "govt", "go", "gob", "gouv", "gv", "mil"),
        *("edu", "ac", "k12", "sch", "school"),
    )
)


def organisational_domain(domain: str) -> str:
    """Two labels; three under "co.uk" and such."""
    labels = domain.lower().rstrip(".").split(".")
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-size:])
