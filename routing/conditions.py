"""Conditions on the facts of a new case: nested all / any / not over tests of one field. Pure.

As JSON, which is how they are stored and exported:

    {"all": [{"field": "sender_domain", "operator": "is", "value": "example.com"},
             {"any": [{"field": "subject", "operator": "contains", "value": "invoice"},
                      {"not": {"field": "contact_known", "operator": "is", "value": true}}]}]}

An empty condition ({} or {"all": []}) always holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from routing.addresses import ascii_domain
from routing.facts import RoutingFacts

__all__ = ["FIELDS", "OPERATORS", "BadConditions", "Conditions", "Outcome", "Test", "read_conditions"]

MOST_DEPTH = 5
MOST_TESTS = 50
LONGEST_VALUE = 1000  # characters
MOST_VALUES = 100  # of one "is one of"


class BadConditions(ValueError):
    """Conditions that cannot be read; the message names the place and what is wrong."""


@dataclass(frozen=True, slots=True)
class Field:
    label: str
    kind: str  # text, address, choice, flag


FIELDS: Mapping[str, Field] = {
    "sender_address": Field("Sender", "address"),
    "sender_domain": Field("Domain of the sender", "domain"),
    "sender_name": Field("Name of the sender", "text"),
    "subject": Field("Subject", "text"),
    "body": Field("Text", "text"),
    "language": Field("Language", "choice"),
    "automatic_kind": Field("Kind of automatic mail", "choice"),
    "spf": Field("SPF", "choice"),
    "dkim": Field("DKIM", "choice"),
    "dmarc": Field("DMARC", "choice"),
    "has_attachment": Field("Has an attachment", "flag"),
    "is_forwarded": Field("Is a forwarded mail", "flag"),
    "is_list_mail": Field("Came over a mailing list", "flag"),
    "routing_address": Field("Routing address", "address"),
    "record_type": Field("Record type", "choice"),
    "priority": Field("Priority", "choice"),
    "origin": Field("Origin", "choice"),
    "contact_known": Field("Sender is a known contact", "flag"),
    "company": Field("Company of the contact", "text"),
    "in_business_hours": Field("Within business hours", "flag"),
}
_TEXT = (
    "is",
    "is_not",
    "contains",
    "does_not_contain",
    "starts_with",
    "ends_with",
    "has_word",
    "is_one_of",
    "is_empty",
)
# Which operators a kind of field takes.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": _TEXT,
    "address": ("is", "is_not", "is_one_of", "contains", "ends_with", "is_empty"),
    "domain": ("is", "is_not", "is_within", "is_one_of", "is_empty"),
    "choice": ("is", "is_not", "is_one_of", "is_empty"),
    "flag": ("is",),
}
WORDS: Mapping[str, str] = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "does_not_contain": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "has_word": "has the word",
    "is_one_of": "is one of",
    "is_within": "is, or is below,",
    "is_empty": "is empty:",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a condition holds, and the sentence that says why."""

    holds: bool
    because: str


@dataclass(frozen=True, slots=True)
class Test:
    """One question about one field."""

    field: str
    operator: str
    value: str | bool | tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.value) if isinstance(self.value, tuple) else _shown(self.value)
        return f"{FIELDS[self.field].label} {WORDS[self.operator]} {shown}"

    def ask(self, facts: RoutingFacts) -> Outcome:
        found = getattr(facts, self.field)
        if isinstance(self.value, bool) and self.operator == "is":
            return Outcome(found is self.value, str(self))
        text = _folded(str(found or ""))
        if self.operator == "is_empty":
            return Outcome((not text) is self.value, str(self))
        return Outcome(_HOLDS[self.operator](text, self.wanted), str(self))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The values as they are compared: people type a domain as they read it, facts hold it as DNS knows it."""
        values = self.value if isinstance(self.value, tuple) else (str(self.value),)
        return tuple(_folded(_as_facts_hold_it(each, FIELDS[self.field].kind)) for each in values)


_HOLDS: Mapping[str, Callable[[str, tuple[str, ...]], bool]] = {
    "is": lambda text, wanted: text == wanted[0],
    "is_not": lambda text, wanted: text != wanted[0],
    "contains": lambda text, wanted: wanted[0] in text,
    "does_not_contain": lambda text, wanted: wanted[0] not in text,
    "starts_with": lambda text, wanted: text.startswith(wanted[0]),
    "ends_with": lambda text, wanted: text.endswith(wanted[0]),
    "has_word": lambda text, wanted: _has_word(text, wanted[0]),
    "is_one_of": lambda text, wanted: text in wanted,
    "is_within": lambda text, wanted: text == wanted[0] or text.endswith("." + wanted[0]),
}


def _folded(text: str) -> str:
    """Without regard to upper and lower case, nor to how a letter with an accent is composed."""
    return unicodedata.normalize("NFC", text).casefold()


def _as_facts_hold_it(value: str, kind: str) -> str:
    """bücher.example, @bücher.example and *.bücher.example -> xn--bcher-kva.example; of an address, its domain so."""
    if kind == "domain":
        domain = value.removeprefix("@").removeprefix("*.")
        return ascii_domain(domain) or domain
    if kind == "address" and not value.isascii():
        local, at, domain = value.rpartition("@")
        return f"{local}{at}{ascii_domain(domain) or domain}"
    return value


def _has_word(text: str, word: str) -> bool:
    """As a word of its own, not as a part of another one: "art" is not in "start"."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


@dataclass(frozen=True, slots=True)
class Conditions:
    """A tree: `word` is "all", "any" or "not" ("not" has one part)."""

    word: str
    parts: tuple[Conditions | Test, ...]

    def ask(self, facts: RoutingFacts) -> Outcome:
        """Parts are asked in order, and no more of them than the answer needs."""
        if self.word == "not":
            inner = self.parts[0].ask(facts)
            return Outcome(not inner.holds, f"not ({inner.because})")
        reasons: list[str] = []
        for part in self.parts:
            outcome = part.ask(facts)
            if outcome.holds is (self.word == "any"):
                return outcome
            reasons.append(outcome.because)
        if self.word == "any":
            return Outcome(False, f"none of: {'; '.join(reasons)}")
        return Outcome(True, " and ".join(reasons) or "always")

    def __str__(self) -> str:
        if not self.parts:
            return "always"
        if self.word == "not":
            return f"not ({self.parts[0]})"
        joined = f" {'and' if self.word == 'all' else 'or'} ".join(
            f"({part})" if isinstance(part, Conditions) and len(part.parts) > 1 else str(part) for part in self.parts
        )
        return joined

    @property
    def always_holds(self) -> bool:
        return self.word == "all" and not self.parts


def read_conditions(stored: Any) -> Conditions:
    """Conditions from their JSON. Raises BadConditions."""
    if stored in (None, {}, []):
        return Conditions("all", ())
    counter = [0]
    node = _read(stored, "conditions", 1, counter)
    return node if isinstance(node, Conditions) else Conditions("all", (node,))


def _read(stored: Any, place: str, depth: int, counter: list[int]) -> Conditions | Test:
    if not isinstance(stored, dict):
        raise BadConditions(f"{place}: expected a condition, not {type(stored).__name__}.")
    if depth > MOST_DEPTH:
        raise BadConditions(f"{place}: nested deeper than {MOST_DEPTH} levels.")
    words = [word for word in ("all", "any", "not") if word in stored]
    if not words:
        counter[0] += 1
        if counter[0] > MOST_TESTS:
            raise BadConditions(f"More than {MOST_TESTS} tests in one condition.")
        return _read_test(stored, place)
    if len(stored) != 1:
        raise BadConditions(
            f"{place}: “{words[0]}” stands alone, beside it are {', '.join(sorted(map(str, stored)))}."
        )
    [word] = words
    inner = stored[word]
    if word == "not":
        return Conditions("not", (_read(inner, f"{place}.not", depth + 1, counter),))
    if not isinstance(inner, list):
        raise BadConditions(f"{place}.{word}: expected a list of conditions.")
    if word == "any" and not inner:
        raise BadConditions(f"{place}.any: an empty list never holds; write at least one condition.")
    parts = tuple(_read(each, f"{place}.{word}[{index}]", depth + 1, counter) for index, each in enumerate(inner))
    return Conditions(word, parts)


def _read_test(stored: Mapping[str, Any], place: str) -> Test:
    if unknown := set(stored) - {"field", "operator", "value"}:
        raise BadConditions(f"{place}: unknown key {', '.join(sorted(map(str, unknown)))}.")
    name, operator = stored.get("field"), stored.get("operator", "is")
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        raise BadConditions(f"{place}: there is no field “{name}”; known are {', '.join(FIELDS)}.")
    if operator not in OPERATORS[field.kind]:
        known = ", ".join(OPERATORS[field.kind])
        raise BadConditions(f"{place}: “{name}” takes no operator “{operator}”; it takes {known}.")
    return Test(str(name), operator, _read_value(stored.get("value"), field, operator, place))


def _read_value(value: Any, field: Field, operator: str, place: str) -> str | bool | tuple[str, ...]:
    if field.kind == "flag" or operator == "is_empty":
        if not isinstance(value, bool):
            raise BadConditions(f"{place}: the value is true or false.")
        return value
    if operator == "is_one_of":
        if not isinstance(value, list) or not value or len(value) > MOST_VALUES:
            raise BadConditions(f"{place}: the value is a list of 1 to {MOST_VALUES} texts.")
        return tuple(_read_text(each, place) for each in value)
    return _read_text(value, place)


def _read_text(value: Any, place: str) -> str:
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        raise BadConditions(f"{place}: the value is missing.")
    if not isinstance(value, str):
        raise BadConditions(f"{place}: the value is a text.")
    if len(value) > LONGEST_VALUE:
        raise BadConditions(f"{place}: the value has more than {LONGEST_VALUE} characters.")
    return value.strip()


def _shown(value: str | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"“{value}”"
