"""The words of a reply: its subject, the chain of ids, the text with signature, token and quote. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cases.message_ids import clean_id
from cases.outbound.composing import MOST_SUBJECT, one_line

__all__ = [
    "ReplyBody",
    "forward_subject",
    "header_id",
    "new_subject",
    "reference_chain",
    "reply_subject",
    "without_token",
    "words_as_html",
    "written_html",
    "written_text",
]

MOST_QUOTED = 30_000  # characters
MOST_REFERENCES = 20  # ids; the first one and the newest are what mail programs thread by
LONGEST_ID = 250  # characters; RFC 5322 section 2.1.1 allows lines of 998, so a longer id could not be folded well

# "Re:", "AW:", "Re[2]:", "Sv :" and what other mail programs write, any number of them.
_ANSWER_PREFIXES = re.compile(
    r"^(?:\s*(?:re|aw|antw|antwort|sv|vs|vá|odp|rif|rv|bls|atb|ynt|res|回复|回覆|答复|答覆|返信|رد)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：])+",
    re.IGNORECASE,
)
_FORWARD_PREFIXES = re.compile(
    r"^(?:\s*(?:fwd?|wg|tr|rv|enc|i|vl|vs|doorst|转发|轉寄|転送)\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：])+",
    re.IGNORECASE,
)
_TOKEN_MARK = re.compile(r"\s*\[ref:e2c-[a-z2-7]{19,31}\]", re.IGNORECASE)
_FIT_FOR_A_HEADER = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")  # visible ASCII without angle brackets


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """What stands under the words of the rep; "" leaves a part out."""

    signature: str = ""
    signature_first: bool = True  # above what is quoted; else at the very end
    token_mark: str = ""
    attribution: str = ""  # "On ..., ... wrote:"
    quoted: str = ""  # plain text
    forwarded_text: str = ""  # a forwarded mail with the lines above it
    forwarded_html: str = ""  # the same, cleaned


def reply_subject(subject: str, *, token_mark: str = "") -> str:
    """The subject with exactly one "Re:" and, when it is to carry one, exactly one thread token at its end."""
    return _subject("Re: ", _ANSWER_PREFIXES, subject, token_mark)


def forward_subject(subject: str, *, token_mark: str = "") -> str:
    """The subject with exactly one "Fwd:"; no token of a thread unless it is given."""
    return _subject("Fwd: ", _FORWARD_PREFIXES, subject, token_mark)


def new_subject(subject: str, *, token_mark: str = "") -> str:
    return _subject("", None, subject, token_mark)


def _subject(prefix: str, prefixes: re.Pattern[str] | None, subject: str, token_mark: str) -> str:
    plain = _TOKEN_MARK.sub("", one_line(subject, limit=2 * MOST_SUBJECT))
    plain = (prefixes.sub("", plain) if prefixes else plain).strip()
    room = MOST_SUBJECT - (len(token_mark) + 1 if token_mark else 0)
    line = one_line(f"{prefix}{plain}", limit=room)
    return f"{line} {token_mark}".strip() if token_mark else line


def other_subject(subject: str, now: str) -> str:
    """`subject` in other words, with the token that it has."""
    mark = _TOKEN_MARK.search(subject)
    return _subject("", None, now, mark[0].strip() if mark else "")


def without_token(subject: str) -> str:
    return _TOKEN_MARK.sub("", subject).strip()


def header_id(identifier: str) -> str:
    """A Message-ID of a stranger as it may stand in a header of ours, without angle brackets; "" when it may not."""
    cleaned = clean_id(identifier)
    fits = len(cleaned) <= LONGEST_ID and _FIT_FOR_A_HEADER.fullmatch(cleaned) and "=?" not in cleaned
    return cleaned if fits else ""


def reference_chain(references: Sequence[str], answered: str) -> list[str]:
    """RFC 5322 section 3.6.4: what the answered mail refers to, then its own id. At most MOST_REFERENCES, the first
    and the newest.
    """
    ids = [fit for identifier in (*references, answered) if (fit := header_id(identifier))]
    chain = list(dict.fromkeys(reversed(ids)))[::-1]
    return chain if len(chain) <= MOST_REFERENCES else [chain[0], *chain[-(MOST_REFERENCES - 1) :]]


def written_text(text: str, body: ReplyBody) -> str:
    signature = [f"-- \n{body.signature.strip()}"] if body.signature.strip() else []
    mark = [body.token_mark] if body.token_mark else []
    quote = []
    if quoted := _quoted_lines(body.quoted):
        quote.append(f"{body.attribution}\n" + "\n".join(f"> {line}" if line else ">" for line in quoted))
    if body.forwarded_text:
        quote.append(body.forwarded_text.rstrip())
    words = [text.strip("\n")] if text.strip("\n") else []
    parts = [*words, *signature, *mark, *quote] if body.signature_first else [*words, *mark, *quote, *signature]
    return "\n\n".join(parts) + "\n"


def written_html(html: str, body: ReplyBody) -> str:
    """`html` and `body.forwarded_html` are cleaned; everything else is escaped here."""
    signature = [f"<div>-- <br>{_lines(body.signature.strip())}</div>"] if body.signature.strip() else []
    mark = []
    if body.token_mark:
        mark.append(f'<div style="font-size:12px">{escape(body.token_mark)}</div>')
    quote = []
    if quoted := _quoted_lines(body.quoted):
        quote.append(f"<div>{escape(body.attribution)}</div><blockquote>{_lines(chr(10).join(quoted))}</blockquote>")
    if body.forwarded_html:
        quote.append(body.forwarded_html)
    words = [f"<div>{html}</div>"] if html else []
    parts = [*words, *signature, *mark, *quote] if body.signature_first else [*words, *mark, *quote, *signature]
    return "<br>".join(parts)


def words_as_html(text: str) -> str:
    """Plain words as HTML, line by line."""
    return _lines(text.strip("\n"))


def _quoted_lines(text: str) -> list[str]:
    if not text.strip():
        return []
    lines = text[:MOST_QUOTED].strip().splitlines()
    return [line.rstrip() for line in lines] + (["[…]"] if len(text) > MOST_QUOTED else [])


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
