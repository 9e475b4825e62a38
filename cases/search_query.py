"""What somebody typed into the search box, understood. Pure.

Every text is a search: a colon after anything but an operator, a quotation mark that is never closed and signs of all
kinds are words or nothing, never an error. What the databases get is made of words_of alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cases.search_words import searched_words

Field = Literal["", "subject", "sender", "recipients"]

MOST_TERMS = 12
SHORTEST_BEGINNING = 2  # letters; of one letter alone too much begins with it
FIELDS: dict[str, Field] = {"from": "sender", "to": "recipients", "subject": "subject"}
STATES = ("open", "closed", "unread")
# operator:"quoted words", operator:word, "quoted words", word
_TERM = re.compile(r'(?:(?P<operator>[A-Za-z]{2,7}):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))')
_NUMBER = re.compile(r"#?0*([1-9]\d{3,11})")
# The columns of FTS5 have the names of the parts of a mail. A tsvector has no parts: there a word of one of these
# stands a second time, behind a letter and a colon. By its weight alone, every mail that has the word anywhere would
# be looked into.
PART_LETTERS: dict[Field, str] = {"subject": "a", "sender": "b", "recipients": "c"}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one after the other, anywhere in a mail or in one part of it."""

    words: tuple[str, ...]
    field: Field = ""
    goes_on: bool = False  # the last word may be only the beginning of one


@dataclass(frozen=True, slots=True)
class SearchQuery:
    terms: tuple[Term, ...] = ()
    tags: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    is_mine: bool = False
    number: int | None = None  # a case number, which is a word as well

    @property
    def is_empty(self) -> bool:
        return self == SearchQuery()

    def as_tsquery(self) -> str:
        """For PostgreSQL, to be cast: no parser of it cuts these words again."""
        return " & ".join(f"({_tsquery_of(term)})" for term in self.terms)

    def as_fts5(self) -> str:
        """For SQLite's MATCH."""
        return " AND ".join(_fts5_of(term) for term in self.terms)


def read_search(text: str) -> SearchQuery:
    """Words are looked for together, each anywhere in a mail; the last one typed may go on."""
    terms: list[Term] = []
    tags: list[str] = []
    states: list[str] = []
    is_mine = False
    found = list(_TERM.finditer(text))
    for part in found:
        operator, quoted, plain = (part["operator"] or "").lower(), part["quoted"], part["plain"]
        value = plain if quoted is None else quoted
        if operator == "tag" and value.strip():
            tags.append(value.strip())
        elif operator == "is" and value.lower() in STATES:
            states.append(value.lower())
        elif operator == "owner" and value.lower() == "me":
            is_mine = True
        elif operator in FIELDS:
            # Addresses are typed from their beginning.
            terms += _terms(value, FIELDS[operator], may_go_on=quoted is None and part is found[-1])
        else:
            text_of_term = f"{operator} {value}" if operator else value
            terms += _terms(text_of_term, "", may_go_on=quoted is None and part is found[-1])
    number = _NUMBER.fullmatch(text.strip())
    return SearchQuery(
        terms=tuple(dict.fromkeys(terms))[:MOST_TERMS],
        tags=tuple(dict.fromkeys(tags))[:MOST_TERMS],
        states=tuple(dict.fromkeys(states)),
        is_mine=is_mine,
        number=int(number[1]) if number else None,
    )


def _terms(text: str, field: Field, *, may_go_on: bool) -> list[Term]:
    words, is_beginning = searched_words(text)
    if not words:
        return []
    goes_on = is_beginning or (may_go_on and len(words[-1]) >= SHORTEST_BEGINNING)
    return [Term(tuple(words), field, goes_on)]


def _tsquery_of(term: Term) -> str:
    letter = PART_LETTERS.get(term.field, "")
    lexemes = [f"'{letter}:{word}'" if letter else f"'{word}'" for word in term.words]
    if term.goes_on:
        lexemes[-1] += ":*"
    return " <-> ".join(lexemes)


def _fts5_of(term: Term) -> str:
    phrase = f'"{" ".join(term.words)}"' + (" *" if term.goes_on else "")
    return f"{term.field} : {phrase}" if term.field else phrase
