"""Which mails a machine wrote, and of what kind. Pure.

Standards first (RFC 3464, 8098, 5965, 3834, 5230, 5436, List-*), then what vendors write, then words. A word alone
never makes a mail automatic unless it is a subject that only programs write ("Automatic reply: ..."), and
X-Auto-Response-Suppress, a null return path, "no-reply" or List-Id alone prove nothing: people's mail has them too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from cases.inbound.analysis.bounces import find_bounce, is_success_report
from cases.inbound.analysis.context import AnalysisContext
from cases.inbound.analysis.evidence import has_null_return_path
from cases.inbound.analysis.html_text import html_to_text
from cases.inbound.analysis.lists import came_by_list_owner, is_list_mail, list_takes_posts, precedence_of
from cases.inbound.analysis.reports import DISPOSITION, FEEDBACK, content_type, parts_of, report_type
from cases.inbound.analysis.words.absences import (
    OUT_OF_OFFICE_SUBJECTS,
    OUT_OF_OFFICE_WORDS,
    PROGRAM_ABSENCE_BEGINNINGS,
)
from cases.inbound.analysis.words.answers import (
    AUTO_REPLY_SUBJECTS,
    CHALLENGE_DOMAINS,
    CHALLENGE_SUBJECTS,
    CHALLENGE_WORDS,
    READ_RECEIPT_SUBJECTS,
    READ_RECEIPT_WORDS,
)
from cases.inbound.analysis.words.failures import DAEMON_LOCAL_PARTS
from cases.inbound.analysis.words.folding import (
    contains_phrase,
    fold,
    starts_with_phrase,
    without_tags,
    writes_without_spaces,
)
from cases.inbound.analysis.words.headers import REPLY_PREFIXES
from cases.inbound.parsed import Bounce, ParsedEmail, ProviderFacts

_WORDS_READ = 6_000
_ABSENCE_LENGTH = 1_500
_NO = frozenset(("no", "false", "0", "off", "none"))
# Vendors' headers that only a responder sets; the value "no" takes it back.
_AUTOREPLY_HEADERS = (
    "X-Autoreply",
    "X-Auto-Reply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Respond",
    "X-AutoReply-From",
    "X-Autoreply-Domain",
    "X-Mail-Autoreply",
    "X-Away-Message",
    "X-Vacation",
    "X-FC-MachineGenerated",
    "X-Amazon-Auto-Reply",
)
_BULK_HEADERS = (
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "X-Campaign",
    "X-Campaign-Id",
    "X-CampaignID",
    "X-Mailer-RecptId",
    "X-CSA-Complaints",
    "X-MC-User",
)
_REPLY_PREFIX = re.compile(
    r"\s{0,4}([^\s:：\[\]]{1,12}(?: [^\s:：\[\]]{1,6})?)\s{0,2}(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote a mail: `kind` as in parsed.AUTOMATIC_KINDS, "" for a person; `because` in words for the trail."""

    kind: str = ""
    because: str = ""
    is_list_mail: bool = False
    bounce: Bounce | None = None


def find_origin(email: ParsedEmail, facts: ProviderFacts, context: AnalysisContext) -> Origin:
    """Decide who wrote the mail. Reports come before loops, for a report may name us as its sender."""
    listed = is_list_mail(email)
    found = (
        _report(email, facts)
        or _own_loop(email, context)
        or _receipt_in_words(email)
        or _automatic(email, facts, listed=listed)
    )
    return replace(found, is_list_mail=listed) if found else Origin(is_list_mail=listed)


# --- reports --------------------------------------------------------------------------------------------------------
def _report(email: ParsedEmail, facts: ProviderFacts) -> Origin | None:
    kind = report_type(email)
    is_report = content_type(email) == "multipart/report"
    if kind == "feedback-report" or (parts_of(email, FEEDBACK) and not _is_answer(email)):
        return Origin("feedback_report", "abuse feedback report (RFC 5965)")
    if kind == "disposition-notification" or (is_report and parts_of(email, DISPOSITION)):
        return Origin("read_receipt", "disposition notification (RFC 8098)")
    local = email.sender.address.partition("@")[0] if email.sender else ""
    if _is_answer(email) and not is_report and not local.startswith(DAEMON_LOCAL_PARTS):
        return None
    found = find_bounce(email, facts)
    if found:
        bounce, because = found
        challenge = _challenge(email, bounce)
        if challenge:
            return Origin("challenge", challenge, bounce=bounce)
        return Origin("bounce", because, bounce=bounce)
    if is_report and is_success_report(email):
        return Origin("read_receipt", "delivery report that says the mail arrived (RFC 3464)")
    return None


def _is_answer(email: ParsedEmail) -> bool:
    """Whether the subject begins as people's answers and forwards do ("Re:", "WG:", "Fwd:")."""
    prefix = _REPLY_PREFIX.match(without_tags(email.subject[:120])[:60])
    return prefix is not None and fold(prefix.group(1)).split("[")[0].strip() in _ANSWER_PREFIXES


_ANSWER_PREFIXES = REPLY_PREFIXES | frozenset(
    ("fw", "fwd", "wg", "tr", "rv", "pd", "enc", "doorst", "vb", "vl", "fs", "ilt", "转发", "轉寄", "転送", "전달")
)


def _own_loop(email: ParsedEmail, context: AnalysisContext) -> Origin | None:
    if email.sender and email.sender.address in context.own_addresses:
        return Origin("own_loop", f"the sender {email.sender.address} is an address of ours")
    if any(sender.address in context.own_addresses for sender in email.senders):
        return Origin("own_loop", "one of its senders is an address of ours")
    for value in email.header_all("X-Loop")[:20]:
        ours = next(
            (word for word in re.split(r"[\s,;<>]+", value[:2000].lower()) if word in context.own_addresses), None
        )
        if ours:
            return Origin("own_loop", f"X-Loop names our address {ours}")
    if email.message_id and context.own_message_id(email.message_id):
        return Origin("own_loop", "its Message-ID is one that we gave to a mail of ours")
    return None


# --- automatic mail -------------------------------------------------------------------------------------------------
def _automatic(email: ParsedEmail, facts: ProviderFacts, *, listed: bool) -> Origin | None:
    submitted = email.header("Auto-Submitted").split(";")[0].split("(")[0].strip().lower()
    if submitted == "no":
        # RFC 3834 section 5: the sender's program says that a person wrote.
        return None
    because = _responder_sign(email, submitted)
    subject = fold(email.subject[:300])
    if because or has_null_return_path(email, facts):
        challenge = _challenge(email, None)
        if challenge:
            return Origin("challenge", challenge)
    if because:
        if _tells_absence(email, subject, submitted):
            return Origin("out_of_office", because)
        if (
            submitted in ("auto-generated", "auto-notified")
            and not email.in_reply_to
            and not starts_with_phrase(subject, AUTO_REPLY_SUBJECTS)
        ):
            # RFC 3834 section 5, RFC 5436: nobody asked for it, so it is a notification and no answer.
            return Origin("bulk", because)
        return Origin("auto_reply", because)
    by_subject = _subject_of_responder(email, facts, subject)
    if by_subject:
        return by_subject
    return _bulk(email, subject, listed=listed) or _daemon(email)


def _responder_sign(email: ParsedEmail, submitted: str) -> str:
    """The header that says a program answered or generated this mail; "" without one."""
    if submitted:
        # RFC 3834 section 5: anything but "no" means a machine wrote this.
        return f"Auto-Submitted: {submitted[:60]}"
    for name in _AUTOREPLY_HEADERS:
        value = email.header(name).strip().lower()
        if value and value not in _NO:
            return f"{name}: {value[:60]}"
    for name in ("Precedence", "X-Precedence", "Preference"):
        value = email.header(name).strip().lower().replace("-", "_").replace(" ", "_")
        if value in ("auto_reply", "autoreply"):
            return f"{name}: {value}"
    if "autoresponder" in email.header("X-POST-MessageClass").lower():
        return "X-POST-MessageClass: Autoresponder"
    if email.header("Delivered-To").strip().lower() == "autoresponder":
        return "Delivered-To: Autoresponder"
    return ""


def _tells_absence(email: ParsedEmail, subject: str, submitted: str = "") -> bool:
    """Whether an automatic mail tells of an absence. A travel agency's "Your vacation" answers nothing: no."""
    if _is_heading(subject, _LONG_ABSENCES):
        return True
    words_say = contains_phrase(_first_words(email)[:_ABSENCE_LENGTH], OUT_OF_OFFICE_WORDS)
    if contains_phrase(subject, _LONG_ABSENCES) and words_say:
        return True
    answers = submitted == "auto-replied" or bool(email.in_reply_to or email.references) or _is_answer(email)
    return answers and (words_say or starts_with_phrase(subject, OUT_OF_OFFICE_SUBJECTS))


_LONG_ABSENCES = tuple(
    phrase for phrase in OUT_OF_OFFICE_SUBJECTS if len(phrase) >= (4 if writes_without_spaces(phrase[0]) else 11)
)
_PROGRAM_ABSENCES = tuple(phrase for phrase in OUT_OF_OFFICE_SUBJECTS if phrase.startswith(PROGRAM_ABSENCE_BEGINNINGS))


def _subject_of_responder(email: ParsedEmail, facts: ProviderFacts, subject: str) -> Origin | None:
    """Automatic replies without a header of theirs, by a subject that programs write."""
    if _is_answer(email):
        return None
    shown = email.subject[:80]
    if _is_heading(subject, _PROGRAM_ABSENCES):
        return Origin("out_of_office", f"subject of an absence notice: {shown}")
    if _is_heading(subject, _LONG_ABSENCES) and contains_phrase(_first_words(email), OUT_OF_OFFICE_WORDS):
        return Origin("out_of_office", f"absence notice: {shown}")
    absent = starts_with_phrase(subject, OUT_OF_OFFICE_SUBJECTS) or (
        subject.startswith(("auto:", "auto ")) and contains_phrase(subject, _LONG_ABSENCES)
    )
    if absent and contains_phrase(_first_words(email), OUT_OF_OFFICE_WORDS):
        answered = (
            bool(email.in_reply_to) or has_null_return_path(email, facts) or precedence_of(email) in ("bulk", "junk")
        )
        if answered or subject.startswith("auto:"):
            return Origin("out_of_office", f"absence notice: {shown}")
    if _is_heading(subject, AUTO_REPLY_SUBJECTS):
        return Origin("auto_reply", f"subject of an automatic reply: {shown}")
    return None


def _is_heading(subject: str, phrases: tuple[str, ...]) -> bool:
    """Whether a subject is one of the phrases, or begins with one that a colon or bracket sets apart."""
    bracketless = subject.lstrip("[(*【（ ")
    untagged = without_tags(subject)
    for phrase in phrases:
        for candidate in (subject, bracketless, untagged):
            if candidate.startswith(phrase):
                rest = candidate[len(phrase) :].lstrip(" ")
                if phrase[0] in "[(【（" or not rest.strip(".!") or rest[0] in ":：])】）*–—-":
                    return True
                if rest.startswith(("from ", "re:", "aw:")):
                    return True
    return False


def _has_colon(subject: str) -> bool:
    return ":" in subject or "：" in subject


def _bulk(email: ParsedEmail, subject: str, *, listed: bool) -> Origin | None:
    precedence = precedence_of(email)
    takes_posts = list_takes_posts(email)
    answers = bool(email.in_reply_to or email.references)
    if precedence in ("bulk", "junk"):
        if takes_posts or came_by_list_owner(email) or (listed and answers):
            return None
        if _tells_absence(email, subject):
            return Origin("out_of_office", f"Precedence: {precedence} and words of an absence")
        return Origin("bulk", f"Precedence: {precedence}")
    if not email.header("List-Unsubscribe").strip() or takes_posts or precedence == "list" or answers:
        return None
    sign = next((name for name in _BULK_HEADERS if email.header(name).strip()), "")
    if sign or listed:
        return Origin("bulk", f"List-Unsubscribe{' and ' + sign if sign else ''} without a list that takes posts")
    return None


def _daemon(email: ParsedEmail) -> Origin | None:
    local = email.sender.address.partition("@")[0] if email.sender else ""
    if local.startswith(DAEMON_LOCAL_PARTS):
        return Origin("auto_reply", f"the sender {local} is a program")
    return None


def _receipt_in_words(email: ParsedEmail) -> Origin | None:
    """Read receipts of programs that use no RFC 8098 part: "Read: Your order" and one sentence."""
    subject = fold(email.subject[:300])
    if not _has_colon(subject) and not starts_with_phrase(
        subject, ("return receipt", "read receipt", "lesebestätigung")
    ):
        return None
    head = subject.replace("：", ":").partition(":")[0].strip(" ()[]")
    if head not in READ_RECEIPT_SUBJECTS:
        return None
    words = _first_words(email)
    # Such a notice is short and says when; a person's "Read: the manual" does not.
    if len(words) < 900 and any(map(str.isdigit, words)) and contains_phrase(words, READ_RECEIPT_WORDS):
        return Origin("read_receipt", f"read receipt in words: {email.subject[:80]}")
    return None


def _challenge(email: ParsedEmail, bounce: Bounce | None) -> str:
    """Why this asks the sender to prove to be a person; "" when it does not. Only asked of automatic mail."""
    domain = email.sender.address.rpartition("@")[2] if email.sender else ""
    if domain.endswith(CHALLENGE_DOMAINS):
        return f"challenge of {domain}"
    if bounce is not None:
        # A refusal that can be lifted by a confirmation; the server said so in its answer.
        if contains_phrase(fold(bounce.reason), CHALLENGE_WORDS):
            return "the receiving server asks the sender to confirm"
        return ""
    if starts_with_phrase(fold(email.subject[:300]), CHALLENGE_SUBJECTS):
        return f"challenge: {email.subject[:80]}"
    words = _first_words(email)
    if contains_phrase(words, CHALLENGE_WORDS) and "http" in words:
        return "asks the sender to confirm by a link"
    return ""


def _first_words(email: ParsedEmail) -> str:
    text = email.text_body if email.text_body.strip() else html_to_text(email.html_body)
    return fold(text[:_WORDS_READ])
