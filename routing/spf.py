"""Read SPF records (RFC 7208) as far as a set-up page needs: which services are named, at how many look-ups. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["MOST_LOOKUPS", "SpfTree", "is_spf", "merged", "read_tree", "with_include"]

MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4: more is a permanent error, as if there were no record
_MOST_DEPTH = 10
_COSTS_ONE = ("include", "a", "mx", "ptr", "exists")

Texts = Callable[[str], Sequence[str]]  # every TXT record of a name; may raise


@dataclass(slots=True)
class SpfTree:
    """What a record and those it includes say together."""

    includes: set[str] = field(default_factory=set)
    lookups: int = 0
    broken: list[str] = field(default_factory=list)  # names that are included and have no record, or several


def is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def read_tree(record: str, texts: Texts) -> SpfTree:
    """Follow includes and redirects. A name that comes again is counted again and not followed again."""
    tree = SpfTree()
    _read(record, texts, tree, depth=0)
    return tree


def _read(record: str, texts: Texts, tree: SpfTree, *, depth: int) -> None:
    for term in record.split()[1:]:
        name, target = _parts(term)
        if name in _COSTS_ONE or name == "redirect":
            tree.lookups += 1
        if name not in ("include", "redirect") or not target or "%" in target:
            continue
        if target in tree.includes or depth >= _MOST_DEPTH or tree.lookups > 2 * MOST_LOOKUPS:
            continue
        tree.includes.add(target)
        found = [text for text in texts(target) if is_spf(text)]
        if len(found) == 1:
            _read(found[0], texts, tree, depth=depth + 1)
        else:
            tree.broken.append(target)


def _parts(term: str) -> tuple[str, str]:
    """("include", "example.com") of "?include:Example.com"."""
    bare = term.lower().lstrip("+-~?")
    for mark in (":", "="):
        name, found, target = bare.partition(mark)
        if found:
            return name, target.rstrip(".")
    return bare.partition("/")[0], ""


def is_open_to_all(record: str) -> bool:
    return any(term.lower() in ("all", "+all") for term in record.split()[1:])


def with_include(record: str, include: str) -> str:
    """The record with one more service, before whatever ends it."""
    if not include:
        return record
    terms = record.split()
    end = next((n for n, term in enumerate(terms) if _parts(term)[0] in ("all", "redirect")), len(terms))
    return " ".join([*terms[:end], f"include:{include}", *terms[end:]])


def merged(records: Sequence[str], include: str) -> str:
    """One record of several: every term once, the strictest end that no owner would be surprised by (~all).

    A redirect counts only at the end of a record without "all"; what it leads to becomes an include.
    """
    terms: list[str] = []
    for record in records:
        named = [_parts(term) for term in record.split()[1:]]
        ends = {name for name, _target in named}
        terms += [term for term in record.split()[1:] if _parts(term)[0] not in ("all", "redirect")]
        terms += [f"include:{target}" for name, target in named if name == "redirect" and "all" not in ends]
    if include:
        terms.append(f"include:{include}")
    return " ".join(["v=spf1", *dict.fromkeys(terms), "~all"])
