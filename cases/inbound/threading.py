"""Is a mail part of a case? Which sign says so, and may the sender join by it? (docs/inbound.md, "proof of thread")

Strong signs are ours and unguessable: the signed reply address, our signed Message-ID, a thread token. Weak ones
anybody can copy from a header: their Message-ID, Outlook's Thread-Index. A case number or a similar subject is never a
sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Case as FirstOf
from django.db.models import IntegerField, Q, Value, When

from cases.inbound.analysis.html_text import html_to_text
from cases.inbound.analysis.reports import message_id_in, part_text, parts_of
from cases.inbound.parsed import Analysis, ParsedEmail
from cases.message_ids import hash_of, thread_index_root
from cases.models import Case, EmailMessage, Participant
from cases.thread_token import case_of_message_id, case_of_reply_address, find_case_tokens
from routing.matching import Recipient

Basis = EmailMessage.ThreadBasis
BY_HEADERS = frozenset({Basis.OUR_MESSAGE_ID, Basis.THEIR_MESSAGE_ID, Basis.THREAD_INDEX})
STRONG = frozenset({Basis.REPLY_ADDRESS, Basis.OUR_MESSAGE_ID, Basis.TOKEN_BODY, Basis.TOKEN_SUBJECT})
REPORTS = frozenset({"feedback_report", "read_receipt"})
PARTS_THAT_NAME_A_MAIL = ("message/rfc822", "text/rfc822-headers", "message/disposition-notification")
SHORTEST_OTHER_ID = 20  # characters of an id that a provider made and told us
MOST_OTHER_IDS = 20
MOST_RELATED = 200  # mails that one mail is compared with
MOST_MERGES = 20  # a chain of merged cases longer than this is a circle


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign that a mail belongs to a case."""

    case_id: int
    basis: EmailMessage.ThreadBasis
    because: str


@dataclass(frozen=True, slots=True)
class Related:
    """Mails that this mail is, answers, or is answered by; fetched with one query."""

    duplicate: EmailMessage | None = None
    answered: tuple[EmailMessage, ...] = ()  # nearest first
    answers_to_it: tuple[EmailMessage, ...] = ()
    same_conversation: tuple[EmailMessage, ...] = ()
    # Our own, whose Message-ID the provider wrote over with the id that it told us: Amazon SES and Postmark do.
    sent_under_other_id: tuple[EmailMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail belongs. `case` set: it joins. `possibly`: only a person may say so. Neither: a new matter."""

    case: Case | None = None
    possibly: Case | None = None
    basis: EmailMessage.ThreadBasis = Basis.NONE
    sender_is_participant: bool = False
    flags: tuple[str, ...] = field(default=())
    because: str = "no sign of a thread"
    by_headers: bool = False  # its sign counts only where headers are used


def find_related(email: ParsedEmail, analysis: Analysis, key: str, *, known_before: datetime | None = None) -> Related:
    """The mails we know that share a key, an id or a conversation with this one. One query, and a second one for ids
    that only a provider can have made.

    `known_before`: only those that came before that moment.
    """
    answered_ids = ids_answered(email, analysis)
    hashes = [hash_of(identifier) for identifier in answered_ids]
    own_hash = hash_of(email.message_id)
    root = thread_index_root(email.thread_index)
    wanted = Q(dedupe_key=key)
    if hashes:
        wanted |= Q(message_identifier_hash__in=hashes)
    if own_hash:
        wanted |= Q(in_reply_to_hash=own_hash)
    if root:
        wanted |= Q(thread_index_hash=root)
    if known_before is not None:
        wanted &= Q(received_at__lt=known_before)
    found = list(
        EmailMessage.objects.filter(wanted)
        .select_related("case")
        .only(
            "case__routing_address_id",
            "moved_from_id",
            "incoming",
            "dedupe_key",
            "message_identifier_hash",
            "in_reply_to_hash",
            "thread_index_hash",
            "also_received_by",
        )
        # Of a long conversation only the newest mails are looked at, but never without what counts most.
        .order_by(
            FirstOf(
                When(dedupe_key=key, then=Value(0)),
                When(message_identifier_hash__in=hashes, then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            ),
            "-id",
        )[:MOST_RELATED]
    )
    known_hashes = {message.message_identifier_hash for message in found}
    unknown = [each for each, hashed in zip(answered_ids, hashes, strict=True) if hashed not in known_hashes]
    return Related(
        sent_under_other_id=sent_under(unknown),
        duplicate=next((message for message in found if message.dedupe_key == key), None),
        answered=tuple(
            message for wanted_hash in hashes for message in found if message.message_identifier_hash == wanted_hash
        ),
        answers_to_it=tuple(message for message in found if own_hash and message.in_reply_to_hash == own_hash),
        same_conversation=tuple(message for message in found if root and message.thread_index_hash == root),
    )


def sent_under(identifiers: Sequence[str]) -> tuple[EmailMessage, ...]:
    """Our mails that a provider sent under one of these Message-IDs, made from the id that it told us.

    Amazon SES: the id at email.amazonses.com or at <region>.amazonses.com. Postmark: the id at mtasv.net. Only ids
    that nobody can guess prove anything: short ones and plain numbers do not.
    """
    candidates: list[str] = []
    for identifier in identifiers[:MOST_OTHER_IDS]:
        local = identifier.partition("@")[0]
        if len(local) >= SHORTEST_OTHER_ID and not local.isdigit():
            candidates += [local, identifier, f"<{identifier}>"]
    if not candidates:
        return ()
    return tuple(
        EmailMessage.objects.filter(incoming=False, deliveries__provider_id__in=candidates)
        .select_related("case")
        .only("case__routing_address_id", "incoming", "message_identifier_hash")
        .distinct()
        .order_by("-id")[:20]
    )


def ids_answered(email: ParsedEmail, analysis: Analysis) -> list[str]:
    """Message-IDs this mail answers, nearest first: a report's, In-Reply-To, then References newest first."""
    ids = [*ids_reported(email, analysis), *email.in_reply_to, *reversed(email.references)]
    return [identifier for identifier in dict.fromkeys(ids) if identifier]


def ids_reported(email: ParsedEmail, analysis: Analysis) -> list[str]:
    """The mail that a bounce, a complaint or a receipt is about."""
    if analysis.bounce:
        return [analysis.bounce.original_message_id]
    if analysis.automatic_kind in REPORTS:
        return [message_id_in(part_text(part)) for part in parts_of(email, PARTS_THAT_NAME_A_MAIL)]
    return []


def signs_of_thread(
    email: ParsedEmail,
    analysis: Analysis,
    recipients: Sequence[Recipient],
    related: Related,
    *,
    use_headers: bool,
    keys: Sequence[str],
) -> list[Sign]:
    """Every sign, best first."""
    signs: list[Sign] = []
    for recipient in recipients:
        if case_id := case_of_reply_address(recipient.address, keys):
            signs.append(
                Sign(case_id, Basis.REPLY_ADDRESS, f"sent to the reply address of the case ({recipient.found_in})")
            )
    if use_headers or analysis.is_bounce or analysis.automatic_kind in REPORTS:
        for identifier in ids_answered(email, analysis):
            if case_id := case_of_message_id(identifier, keys):
                signs.append(Sign(case_id, Basis.OUR_MESSAGE_ID, "answers a mail that we sent"))
        signs += [
            Sign(message.case_id, Basis.OUR_MESSAGE_ID, "answers a mail that we sent, by the id of the provider")
            for message in related.sent_under_other_id
        ]
    signs += [
        Sign(case_id, Basis.TOKEN_BODY, "carries the case's thread token in its text")
        for case_id in tokens_in_body(email, analysis, keys)
    ]
    signs += [
        Sign(case_id, Basis.TOKEN_SUBJECT, "carries the case's thread token in its subject")
        for case_id in find_case_tokens(email.subject, keys)
    ]
    if use_headers:
        signs += weak_signs(related)
    return list(dict.fromkeys(signs))


def tokens_in_body(email: ParsedEmail, analysis: Analysis, keys: Sequence[str]) -> list[int]:
    """Cases whose token stands in the new text, then in the quoted text, where clients that drop headers leave it.

    The text below a forward is somebody else's thread: there only the comment above it counts.
    """
    texts: Iterable[str] = (analysis.reply_text,)
    if analysis.forwarded is None:
        texts = (analysis.reply_text, email.text_body, "" if email.text_body else html_to_text(email.html_body))
    return list(dict.fromkeys(case_id for text in texts for case_id in find_case_tokens(text, keys)))


def weak_signs(related: Related) -> list[Sign]:
    return [
        *(Sign(m.case_id, Basis.THEIR_MESSAGE_ID, "answers a mail of the case") for m in related.answered),
        *(
            Sign(m.case_id, Basis.THEIR_MESSAGE_ID, "a mail of the case answers it and came before it")
            for m in related.answers_to_it
        ),
        *(Sign(m.case_id, Basis.THREAD_INDEX, "same Outlook conversation") for m in related.same_conversation),
    ]


def find_thread(email: ParsedEmail, analysis: Analysis, signs: Sequence[Sign], related: Related) -> Thread:
    """Weigh the signs against who wrote: append, or a new case that possibly belongs to another. At most three
    queries.
    """
    if not signs:
        return Thread()
    answered = related.answered[0] if related.answered else None
    moved = {answered.moved_from_id, answered.case_id} if answered and answered.moved_from_id else set()
    cases = cases_with_merges({sign.case_id for sign in signs} | moved)
    known = [after_move(sign, answered, cases) for sign in signs if sign.case_id in cases]
    if not known:
        return Thread(because="its sign points to a case that does not exist")
    participates_in = cases_of_participant(email, [case.pk for _sign, case in known])
    threads = [weigh(sign, case, email, analysis, is_participant=case.pk in participates_in) for sign, case in known]
    return next((thread for thread in threads if thread.case is not None), threads[0])


def after_move(sign: Sign, answered: EmailMessage | None, cases: dict[int, Case]) -> tuple[Sign, Case]:
    """The case a sign leads to. Our ids and tokens name the case in which a mail was written; when a person moved the
    mail that is answered, its answer follows it.

    Only a sign of the case it was moved out of leads there: who holds a sign of one case must not reach another by
    naming its mails.
    """
    case = cases[sign.case_id]
    if answered is None or answered.moved_from_id is None or sign.basis not in STRONG:
        return sign, case
    place = cases.get(answered.case_id)
    if place is None or place == case or cases.get(answered.moved_from_id) != case:
        return sign, case
    return Sign(place.pk, sign.basis, f"{sign.because}; the mail it answers was moved"), place


def weigh(sign: Sign, case: Case, email: ParsedEmail, analysis: Analysis, *, is_participant: bool) -> Thread:
    """The table of docs/inbound.md: proof of thread by who wrote."""
    moved = sign.case_id != case.pk
    because = f"{sign.because}; case {case.number}" + (" (merged)" if moved else "")
    # The trail of a new case is read by people who may not see the other one: it is named by "possibly belongs to",
    # which asks who looks.
    unnamed = sign.because + (" (merged)" if moved else "")
    basis = Basis.MERGED if moved else sign.basis
    by_headers = sign.basis in BY_HEADERS and not (analysis.is_bounce or analysis.automatic_kind in REPORTS)
    if is_participant and analysis.authentication.failed_dmarc:
        return Thread(
            possibly=case,
            flags=("dmarc_failed",),
            because=f"{unnamed}, but a mail in this participant's name fails DMARC",
            by_headers=by_headers,
        )
    if is_participant and not email.sender_is_ambiguous:
        return Thread(case=case, basis=basis, sender_is_participant=True, because=because, by_headers=by_headers)
    if sign.basis in STRONG:
        # Machines that answer our mail (bounces, out-of-office) are not people who joined.
        flags = () if analysis.is_automatic else ("new_participant",)
        because = f"{because}; the sender was not part of it"
        return Thread(case=case, basis=basis, flags=flags, because=because, by_headers=by_headers)
    because = f"{unnamed}, but the sender is not part of it and the sign can be copied"
    return Thread(possibly=case, because=because, by_headers=by_headers)


def cases_with_merges(case_ids: set[int]) -> dict[int, Case]:
    """The cases by id, each replaced by the one it was merged into."""
    found: dict[int, Case] = {}
    wanted = set(case_ids)
    for _ in range(MOST_MERGES):
        rows = Case.objects.select_related("status", "routing_address", "owner_user", "owner_queue").in_bulk(wanted)
        found |= rows
        wanted = {row.merged_into_id for row in rows.values() if row.merged_into_id} - found.keys()
        if not wanted:
            break
    return {case_id: end for case_id in case_ids if (end := end_of_merges(case_id, found))}


def end_of_merges(case_id: int, found: dict[int, Case]) -> Case | None:
    case = found.get(case_id)
    for _ in range(MOST_MERGES):
        if case is None or case.merged_into_id is None:
            return case
        case = found.get(case.merged_into_id)
    return None


def cases_of_participant(email: ParsedEmail, case_ids: Sequence[int]) -> set[int]:
    """Which of the cases the sender takes part in. A sender who only joined with a proof ("new") is not yet one who
    may join without.
    """
    if email.sender is None:
        return set()
    return set(
        Participant.objects.filter(case_id__in=case_ids, address=email.sender.address)
        .exclude(role=Participant.Role.NEW)
        .values_list("case_id", flat=True)
    )
