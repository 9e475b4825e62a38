"""What a mail holds, decided to the letter from what its author handed over. Reads the database; writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.models import Blob, Case, Draft, DraftFile, EmailMessage
from cases.outbound.composed import CannotReply, Composed
from cases.outbound.drafts import picture_url
from cases.outbound.forwarding import Forwarded, forwarded_part, whole_files
from cases.outbound.quoting import ReplyBody, forward_subject, new_subject, reply_subject, words_as_html
from cases.outbound.recipients import Answered, chosen_answer, find_answered
from cases.outbound.reply_rows import (
    Outgoing,
    OutgoingFile,
    People,
    addresses_of,
    check_sizes,
    new_file,
    quote_of,
)
from cases.outbound.words import Words, read_words
from cases.thread_keys import signing_keys
from cases.thread_token import token_mark, without_thread_signs
from routing.models import EmailToCaseSettings, RoutingAddress

__all__ = ["decide_contents", "draft_of", "words_of"]

Mode = Draft.Mode
SUBJECTS = {Mode.REPLY: reply_subject, Mode.REPLY_ALL: reply_subject, Mode.FORWARD: forward_subject}


def draft_of(composed: Composed, author: User) -> tuple[Draft | None, Sequence[DraftFile]]:
    """The author's own draft, locked: no file joins it while it is sent."""
    if composed.draft is None:
        return None, ()
    draft = Draft.objects.select_for_update().filter(pk=composed.draft, author=author).first()
    return draft, list(draft.files.select_related("blob").order_by("pk")) if draft is not None else ()


def words_of(composed: Composed, in_draft: Sequence[DraftFile], organisation: EmailToCaseSettings) -> Words:
    pictures = {picture_url(file): file.content_id for file in in_draft if file.inline}
    return read_words(composed.text, composed.html, formatted=organisation.html_email, pictures=pictures)


def decide_contents(
    mode: Draft.Mode,
    case: Case,
    composed: Composed,
    people: People,
    words: Words,
    *,
    in_draft: Sequence[DraftFile],
    stored: Mapping[str, Blob],
    organisation: EmailToCaseSettings,
) -> tuple[Outgoing, EmailMessage | None]:
    """(the mail to the letter, the mail that it answers or forwards)."""
    has_signs = mode != Mode.FORWARD or composed.answers_join
    mark = token_mark(case.pk, signing_keys()) if has_signs else ""
    answered: Answered | None = None
    forwarded: Forwarded | None = None
    about: EmailMessage | None
    if mode == Mode.FORWARD:
        about = _forwarded_mail(case, composed)
        forwarded = forwarded_part(about, composed.send_from, keeps_signs=has_signs)
    else:
        answered = _answered_mail(mode, case, composed, people)
        about = answered.message if answered else None
    body = _body(
        composed.send_from, organisation, mark, answered, forwarded if organisation.html_email else _plain(forwarded)
    )
    html = words.html
    if not html and body.forwarded_html and words.text:
        html = words_as_html(words.text)
    files = _files(composed, words, in_draft, stored, about if mode == Mode.FORWARD else None, body, forwarded)
    subject = (composed.subject or "").strip() or (about.subject if mode == Mode.FORWARD and about else case.subject)
    if not has_signs:
        subject = without_thread_signs(subject)
    write_subject = SUBJECTS.get(mode, new_subject)
    outgoing = Outgoing(
        people=people,
        subject=write_subject(subject, token_mark=mark if organisation.token_in_subject else ""),
        text=words.text,
        html=html,
        body=body,
        files=files,
        answered=answered.message if answered else None,
        has_signs=has_signs,
        template=composed.template,
    )
    return outgoing, about


def _forwarded_mail(case: Case, composed: Composed) -> EmailMessage:
    if composed.answers is None or composed.answers.case_id != case.pk:
        raise CannotReply(_("The mail to forward is not in this case any more."))
    return composed.answers


def _answered_mail(mode: Draft.Mode, case: Case, composed: Composed, people: People) -> Answered | None:
    if mode == Mode.NEW:
        return None
    if composed.answers is not None and composed.answers.case_id == case.pk:
        return chosen_answer(case, composed.answers, addresses_of(people))
    return find_answered(case, addresses_of(people))


def _plain(forwarded: Forwarded | None) -> Forwarded | None:
    return Forwarded(forwarded.text, "") if forwarded is not None else None


def _body(
    send_from: RoutingAddress,
    organisation: EmailToCaseSettings,
    mark: str,
    answered: Answered | None,
    forwarded: Forwarded | None,
) -> ReplyBody:
    attribution, quoted = "", ""
    if answered is not None and answered.may_be_quoted and not organisation.reply_with_new_content_only:
        attribution, quoted = quote_of(answered.message, send_from)
    return ReplyBody(
        signature=send_from.signature,
        signature_first=organisation.signature_before_thread,
        token_mark=mark if organisation.token_in_body else "",
        attribution=attribution,
        quoted=quoted,
        forwarded_text=forwarded.text if forwarded else "",
        forwarded_html=forwarded.html if forwarded else "",
    )


def _files(
    composed: Composed,
    words: Words,
    in_draft: Sequence[DraftFile],
    stored: Mapping[str, Blob],
    forwarded_mail: EmailMessage | None,
    body: ReplyBody,
    forwarded: Forwarded | None,
) -> list[OutgoingFile]:
    """Pictures first, each only when it is shown: one that was taken out of the text again stays at home. In a plain
    mail they go as files.
    """
    shown = set(words.pictures)
    pictures = [_from_draft(file, file.content_id) for file in in_draft if file.inline and file.content_id in shown]
    if forwarded is not None and body.forwarded_html:
        pictures += [
            OutgoingFile(each.blob, each.file_name, each.declared_type, each.content_type, content_id)
            for each, content_id in forwarded.pictures
        ]
    files = [_from_draft(file, "") for file in in_draft if not file.inline or not words.html]
    if forwarded_mail is not None and composed.draft is None:
        # With a draft the choice was made there.
        files += [
            OutgoingFile(each.blob, each.file_name, each.declared_type, each.content_type)
            for each in whole_files(forwarded_mail)
            if composed.kept is None or each.pk in composed.kept
        ]
    files += [new_file(file, stored[hashlib.sha256(file.content).hexdigest()]) for file in composed.attachments]
    check_sizes([file.blob.size for file in files], pictures=[file.blob.size for file in pictures])
    return pictures + files


def _from_draft(file: DraftFile, content_id: str) -> OutgoingFile:
    return OutgoingFile(file.blob, file.file_name, file.declared_type, file.content_type, content_id)
