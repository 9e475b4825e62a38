"""Recognise delivery failures, and read what they say: whom, why, for how long, about which mail. Pure.

In this order: the machine-readable report (RFC 3464), the forms that flufl.bounce knows (Exim, qmail, Postfix,
Exchange, GroupWise, Yahoo and others), then own rules on subject and sentences. The second and third only
count when something other than words shows that a mail server wrote: a null return path, a daemon's name, an automatic
header. A person who writes about a bounce, quotes one or forwards one is a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cases.inbound.analysis.evidence import Evidence
from cases.inbound.analysis.html_text import html_to_text
from cases.inbound.analysis.known_forms import ADDRESS, known_forms
from cases.inbound.analysis.reports import (
    DELIVERY_STATUS,
    RETURNED,
    RecipientStatus,
    content_type,
    message_id_in,
    part_text,
    parts_of,
    recipient_statuses,
    report_type,
)
from cases.inbound.analysis.words.failure_sentences import FAILURE_WORDS
from cases.inbound.analysis.words.failures import BOUNCE_SUBJECT_PARTS, BOUNCE_SUBJECTS, DELAYED_WORDS
from cases.inbound.analysis.words.folding import contains_phrase, fold, starts_with_phrase, without_tags
from cases.inbound.parsed import Bounce, ParsedEmail, ProviderFacts

_MAX_TEXT = 40_000
_MAX_LINE = 400
_MAX_RECIPIENTS = 100
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_SMTP_CODE = re.compile(r"(?<![\d.:])([45])[0-7]\d(?=[ \-#:.])(?![\d.]*\.\d)")
_DIAGNOSTIC_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}\s?;\s?")
# Where a report that is only text begins to repeat the mail it returns.
_RETURNED_TEXT = (
    "message follows",
    "mail follows",
    "below this line is a copy",
    "copy of the message",
    "copy of your message",
    "returned mail",
    "original message",
    "header of the source mail",
    "headers follow",
    "message header follow",
    "message text follows",
    "received: from",
    "received: by",
    "return-path:",
    "ursprüngliche nachricht",
    "message d'origine",
    "mensaje original",
)


def find_bounce(email: ParsedEmail, facts: ProviderFacts) -> tuple[Bounce, str] | None:
    """(what the report says, why it is one), or None when the mail is no delivery failure."""
    evidence = Evidence(email, facts)
    subject = fold(email.subject[:300])
    text = _report_text(email)
    reported = _delivery_report(email, evidence, subject, text)
    if reported is not None:
        return reported
    if not evidence.any:
        return None
    own, returned = _split_returned(text)
    words = fold(own)
    subject_says = _subject_says(subject)
    words_say = contains_phrase(words, FAILURE_WORDS)
    temporary, permanent = known_forms(email, text)
    recognised = temporary | permanent
    coded = bool(_STATUS.search(own) or _SMTP_CODE.search(own))
    signs = _Signs(subject_says, words_say, bool(recognised), coded, bool(ADDRESS.search(own)))
    if not _is_failure(evidence, signs):
        return None
    failed = _header_recipients(email) | recognised
    recipients = sorted(failed) or _addresses_near_failure(own, email)
    delayed = (bool(temporary) and not permanent) or (
        not permanent and (contains_phrase(subject, DELAYED_WORDS) or contains_phrase(words, DELAYED_WORDS))
    )
    status = _status_in(own)
    bounce = Bounce(
        recipients=tuple(recipients[:_MAX_RECIPIENTS]),
        status=status,
        hard=not delayed and not _is_temporary(status, own),
        delayed=delayed,
        reason=_reason_in(own),
        original_message_id=_original_message_id(email, returned or text),
    )
    because = "a mail server's report" if recognised else "a mail server's failure notice"
    return bounce, f"{because}: {email.subject[:80]}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class _Signs:
    """What the words of a mail say: in subject, in text, in a known form, with a reply code, with an address."""

    subject: bool
    words: bool
    form: bool
    coded: bool
    address: bool


def _is_failure(evidence: Evidence, signs: _Signs) -> bool:
    """How many words it takes: the surer it is that a mail server wrote, the fewer."""
    if evidence.daemon or evidence.empty_sender:
        return signs.subject or signs.form or (signs.words and (signs.coded or signs.address))
    if evidence.null_path:
        return signs.subject or signs.form or (signs.words and signs.coded)
    if evidence.postmaster or evidence.named:
        return signs.form or (signs.subject and (signs.words or signs.coded)) or (signs.words and signs.coded)
    if evidence.failed_recipients:
        return signs.words and (signs.subject or signs.form or signs.coded)
    if evidence.automatic:
        return signs.words and signs.subject and (signs.form or signs.coded)
    return signs.form and signs.words and signs.subject


# --- RFC 3464 -------------------------------------------------------------------------------------------------------
def _delivery_report(email: ParsedEmail, evidence: Evidence, subject: str, text: str) -> tuple[Bounce, str] | None:
    parts = parts_of(email, DELIVERY_STATUS)
    is_report = report_type(email) == "delivery-status" or (
        content_type(email) == "multipart/report" and (bool(parts) or _subject_says(subject))
    )
    report = "\n\n".join(part_text(part) for part in parts)
    if not parts and (is_report or (evidence.strong and _subject_says(subject))):
        report = _nested_report(email)
        is_report = is_report or bool(report)
    if not is_report and not (parts and evidence.any):
        return None
    statuses = recipient_statuses(report)
    if not statuses and not parts and "final-recipient" in text.lower():
        statuses = recipient_statuses(text)
    counted = [status for status in statuses if status.action not in ("delivered", "relayed", "expanded")]
    if statuses and not counted:
        return None
    return _bounce_of(counted, email, text), "delivery report (RFC 3464)"


def is_success_report(email: ParsedEmail) -> bool:
    """A delivery report that says the mail arrived: somebody asked for it, nothing failed."""
    statuses = [status for part in parts_of(email, DELIVERY_STATUS) for status in recipient_statuses(part_text(part))]
    return bool(statuses) and all(status.action in ("delivered", "relayed", "expanded") for status in statuses)


def _nested_report(email: ParsedEmail) -> str:
    """Text of an attached mail that is itself a delivery report: scanners wrap reports so."""
    for part in parts_of(email, ("message/rfc822",)):
        text = part_text(part)
        if "message/delivery-status" in text.lower() and "final-recipient" in text.lower():
            return text
    return ""


def _bounce_of(statuses: list[RecipientStatus], email: ParsedEmail, text: str) -> Bounce:
    failed = [status for status in statuses if status.action != "delayed"]
    delayed = bool(statuses) and not failed
    shown = failed or statuses
    recipients = list(dict.fromkeys(status.recipient for status in shown if status.recipient))
    own, returned = _split_returned(text)
    code = next((found for status in shown if (found := _status_in(status.status))), "")
    if not code or code.endswith(".0.0"):
        # "5.0.0" says nothing; the server's own words often carry the real code.
        code = (
            next((found for status in shown if (found := _status_in(status.diagnostic))), "")
            or code
            or _status_in(own)
        )
    reason = next(
        (cleaned for status in shown if (cleaned := _clean_diagnostic(status.diagnostic))), ""
    ) or _reason_in(own)
    if not statuses and contains_phrase(fold(email.subject), DELAYED_WORDS):
        delayed = True
    return Bounce(
        recipients=tuple(
            (recipients or sorted(_header_recipients(email)) or _addresses_near_failure(own, email))[:_MAX_RECIPIENTS]
        ),
        status=code,
        hard=not delayed and not _is_temporary(code, reason),
        delayed=delayed,
        reason=reason,
        original_message_id=_original_message_id(email, returned),
    )


def _clean_diagnostic(diagnostic: str) -> str:
    """The server's sentence of a Diagnostic-Code, without its type ("smtp;")."""
    prefix = _DIAGNOSTIC_PREFIX.match(diagnostic)
    return " ".join((diagnostic[prefix.end() :] if prefix else diagnostic).split())[:1000]


# --- words ----------------------------------------------------------------------------------------------------------
def _subject_says(subject: str) -> bool:
    untagged = without_tags(subject)
    return (
        starts_with_phrase(subject, BOUNCE_SUBJECTS)
        or (untagged != subject and starts_with_phrase(untagged, BOUNCE_SUBJECTS))
        or contains_phrase(subject, BOUNCE_SUBJECT_PARTS)
    )


def _report_text(email: ParsedEmail) -> str:
    text = email.text_body
    if not text.strip() and email.html_body:
        text = html_to_text(email.html_body)
    return "\n".join(line[:_MAX_LINE] for line in text[:_MAX_TEXT].split("\n")[:1500])


def _split_returned(text: str) -> tuple[str, str]:
    """(the server's own words, the returned mail as text)."""
    lines = text.split("\n")
    said = 0
    for index, line in enumerate(lines):
        if said > 40 and fold(line).lstrip("-=_*> ").startswith(_RETURNED_TEXT):
            return "\n".join(lines[:index]), "\n".join(lines[index:])
        said += len(line)
    return text, ""


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    return found.group() if found else ""


def _is_temporary(status: str, words: str) -> bool:
    """RFC 3463 section 2: class 4 may succeed later; without a code, the SMTP reply's first digit says it."""
    if status:
        return status.startswith("4")
    code = _SMTP_CODE.search(words)
    return code is not None and code.group(1) == "4"


def _reason_in(own: str) -> str:
    """The server's own sentence in a report of words: the line with a reply code, else one that tells a failure."""
    lines = [line.strip() for line in own.split("\n")]
    for index, line in enumerate(lines):
        if _SMTP_CODE.search(line) or _STATUS.search(line):
            return _sentence(lines, index)
    for index, line in enumerate(lines):
        if contains_phrase(fold(line), FAILURE_WORDS):
            return _sentence(lines, index)
    return ""


def _sentence(lines: list[str], index: int) -> str:
    parts = [lines[index]]
    for following in lines[index + 1 : index + 3]:
        if not following or parts[-1].endswith((".", ":", "。")):
            break
        parts.append(following)
    return " ".join(parts)[:1000]


def _header_recipients(email: ParsedEmail) -> set[str]:
    return {
        found.group().lower()
        for value in email.header_all("X-Failed-Recipients")[:20]
        for found in ADDRESS.finditer(value[:4000])
    }


def _addresses_near_failure(own: str, email: ParsedEmail) -> list[str]:
    """Addresses in the server's words that are neither the server's nor the one it writes to."""
    ours = {address.address for address in (*email.to, *email.cc)} | {email.sender.address if email.sender else ""}
    found = dict.fromkeys(match.group().rstrip(".").lower() for match in ADDRESS.finditer(own))
    return [
        address
        for address in found
        if address not in ours and not address.startswith(("postmaster@", "mailer-daemon@"))
    ][:10]


def _original_message_id(email: ParsedEmail, returned: str) -> str:
    for part in parts_of(email, RETURNED):
        found = message_id_in(part_text(part))
        if found:
            return found
    return message_id_in(returned) or (email.in_reply_to[0] if email.in_reply_to else "")
