"""The words of a reply: its subject, the chain of ids, the text with signature, token and quote. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cases.message_ids import clean_id
from cases.outbound.composing import MOST_SUBJECT, one_line

__all__ = ["ReplyBody", "header_id", "reference_chain", "reply_subject", "written_html", "written_text"]

MOST_QUOTED = 30_000  # characters
MOST_REFERENCES = 20  # ids; the first one and the newest are what mail programs thread by
LONGEST_ID = 250  # characters; RFC 5322 section 2.1.1 allows lines of 998, so a longer id could not be folded well

# "Re:", "AW:", "Re[2]:", "Sv :" and what other mail programs write, any number of them.
_ANSWER_PREFIXES = re.compile(
    r"^(?:\s*(?:re|aw|antw|antwort|sv|vs|vá|odp|rif|rv|bls|atb|ynt|res|回复|回覆|答复|答覆|返信|رد)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：])+",
    re.IGNORECASE,
)
_TOKEN_MARK = re.compile(r"\s*\[ref:e2c-[a-z2-7]{19,31}\]", re.IGNORECASE)
_FIT_FOR_A_HEADER = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")  # visible ASCII without angle brackets


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """What stands under the words of the rep; "" leaves a part out."""

    signature: str = ""
    token_mark: str = ""
    attribution: str = ""  # "On ..., ... wrote:"
    quoted: str = ""  # plain text


def reply_subject(subject: str, *, token_mark: str = "") -> str:
    """The subject with exactly one "Re:" and, when it is to carry one, exactly one thread token at its end."""
    plain = _TOKEN_MARK.sub("", one_line(subject, limit=2 * MOST_SUBJECT))
    plain = _ANSWER_PREFIXES.sub("", plain).strip()
    room = MOST_SUBJECT - (len(token_mark) + 1 if token_mark else 0)
    line = one_line(f"Re: {plain}", limit=room)
    return f"{line} {token_mark}" if token_mark else line


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
    parts = [text.strip("\n")]
    if body.signature.strip():
        parts.append(f"-- \n{body.signature.strip()}")
    if body.token_mark:
        parts.append(body.token_mark)
    if quoted := _quoted_lines(body.quoted):
        quote = "\n".join(f"> {line}" if line else ">" for line in quoted)
        parts.append(f"{body.attribution}\n{quote}")
    return "\n\n".join(parts) + "\n"


def written_html(html: str, body: ReplyBody) -> str:
    """`html` is cleaned; everything else is escaped here."""
    parts = [f"<div>{html}</div>"]
    if body.signature.strip():
        parts.append(f"<div>-- <br>{_lines(body.signature.strip())}</div>")
    if body.token_mark:
        parts.append(f'<div style="color:#767676;font-size:12px">{escape(body.token_mark)}</div>')
    if quoted := _quoted_lines(body.quoted):
        parts.append(f"<div>{escape(body.attribution)}</div><blockquote>{_lines(chr(10).join(quoted))}</blockquote>")
    return "<br>".join(parts)


def _quoted_lines(text: str) -> list[str]:
    if not text.strip():
        return []
    lines = text[:MOST_QUOTED].strip().splitlines()
    return [line.rstrip() for line in lines] + (["[…]"] if len(text) > MOST_QUOTED else [])


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
