"""What the composer shows: filled in for a new mail, as its draft keeps it, or as it was posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise

from cases.forms.composer import ComposerForm, is_key, known_key, new_key
from cases.lifecycle import closed_status
from cases.mail_html.outgoing import outgoing_html
from cases.models import Attachment, Case, Draft, DraftFile, EmailMessage
from cases.outbound.allowed_senders import Senders, allowed_senders, default_sender
from cases.outbound.drafts import picture_url
from cases.outbound.forwarding import whole_files
from cases.outbound.guard import Risk, seen
from cases.outbound.new_cases import record_types_of_new
from cases.outbound.quoting import forward_subject, reply_subject
from cases.outbound.recipients import offered_recipients, split_recipients, written_recipients
from cases.outbound.templates import offered_templates, template_for
from cases.selectors.drafts import own_drafts
from routing.approval_rules import approvals_required
from routing.models import EmailToCaseSettings, RoutingAddress

Mode = Draft.Mode


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file of a draft, for the list under the text. `url` shows it again."""

    pk: int
    file_name: str
    size: int
    url: str
    inline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    form: ComposerForm
    senders: Senders
    key: str
    last_seen: int
    mode: Draft.Mode
    recipient_count: int
    sender: RoutingAddress | None
    case: Case | None = None  # None: a new mail, which opens one
    answers: EmailMessage | None = None  # the mail that was chosen to be answered or forwarded
    draft: Draft | None = None
    html: str = ""  # cleaned; what the editor starts with
    rich: bool = True  # formatting is allowed
    passed_over: str = ""
    files: Sequence[ShownFile] = ()
    forwarded_files: Sequence[Attachment] = ()  # to choose from, while there is no draft that holds the choice
    kept: frozenset[int] | None = None  # those chosen; None: all
    templates: Sequence[tuple[int, str]] = ()
    template_id: int | None = None
    # Why mail from an address has to be approved first, by its key; one from which it leaves at once is missing.
    approvals: Mapping[int, str] = field(default_factory=dict)
    risks: Sequence[Risk] = ()
    notices: Sequence[str | Promise] = ()  # why it was not sent
    may_close: bool = False  # the case can close with the mail

    @property
    def sender_name(self) -> str:
        return (self.sender.display_name or self.sender.routing_name) if self.sender is not None else ""

    @property
    def sender_rows(self) -> list[tuple[RoutingAddress, str, str]]:
        """(address, why it may be used, why its mail needs approval)"""
        return [(address, because, self.approvals.get(address.pk, "")) for address, because in self.senders.allowed]

    @property
    def approval_because(self) -> str:
        return self.approvals.get(self.sender.pk, "") if self.sender is not None else ""

    @property
    def sender_because(self) -> str:
        return next((why for each, why in self.senders.allowed if self.sender and each.pk == self.sender.pk), "")

    @property
    def draft_id(self) -> int | None:
        return self.draft.pk if self.draft else None

    @property
    def draft_version(self) -> int | None:
        return self.draft.version if self.draft else None

    @property
    def came_back_because(self) -> str:
        return self.draft.came_back_because if self.draft else ""

    @property
    def answers_id(self) -> int | None:
        return self.answers.pk if self.answers else None

    @property
    def warnings(self) -> list[str]:
        return [risk.words for risk in self.risks]

    @property
    def confirmed(self) -> str:
        """What `confirmed` has to be for these warnings to count as seen; "" without any."""
        return seen(self.risks)


def may_close(case: Case | None) -> bool:
    """Whether "send and close" is offered. `case` comes from find_visible_case; None: a new mail."""
    if case is None:
        return closed_status() is not None
    return bool(case.may_be_closed)  # type: ignore[attr-defined]  # annotated by find_visible_case


def newest_message(case: Case) -> int:
    """The id that "seen until here" means; 0 without mail. Asked before the mails are read, never after."""
    newest: int | None = EmailMessage.objects.filter(case=case).aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def seen_on_page(request: HttpRequest, case: Case) -> int:
    """What a composer that opens counts as seen: what the page beside it shows (`?seen=`), and not what came in since
    that was made; on a page of its own what stands above it. `case` comes from find_visible_case.
    """
    newest: int = case.newest_mail or 0  # type: ignore[attr-defined]  # annotated by find_visible_case
    word = request.GET.get("seen", "")
    return min(newest, int(word)) if is_key(word) else newest


def wanted_mode(request: HttpRequest) -> Draft.Mode | None:
    """Which composer the address of the page asks for; None for none."""
    asked = request.GET
    if asked.get("mode") in (Mode.REPLY, Mode.REPLY_ALL, Mode.FORWARD):
        return Mode(asked["mode"])
    if "all" in asked:
        return Mode.REPLY_ALL
    return Mode.REPLY if "reply" in asked or "draft" in asked else None


def new_composer(request: HttpRequest, case: Case | None, user: User, *, mode: Draft.Mode, last_seen: int) -> Composer:
    """The composer that is opened: a draft that was begun, else a new mail."""
    answers = _chosen_mail(request.GET.get("message", ""), case) if case is not None else None
    # Who comes back to a page finds its composer with its key: what was sent under it stays one mail.
    key = known_key(request.GET.get("key", ""))
    draft = _draft_to_open(request, case, user, mode=mode, answers=answers)
    if draft is not None:
        return _of_draft(draft, case, user, last_seen=last_seen)
    if key and Draft.objects.filter(key=key).exists():
        key = ""  # of a draft that stands elsewhere, and must not be written over from here
    if mode == Mode.FORWARD and answers is None and case is not None:
        answers = _newest_mail(case)
    senders = allowed_senders(user, case)
    default = default_sender(user, case, senders)
    sender = default.address
    if case is None:
        # Why an address is refused is told on a case, where it may matter; here only what can be used is shown.
        senders = Senders(senders.allowed, [])
    initial = _offered(case, mode, answers)
    html, template_id = "", None
    template = case.record_type.default_template if case is not None and mode != Mode.FORWARD else None
    if template is not None and template.is_active:
        filled = template_for(template, case=case, author=user, send_from=sender)
        html, template_id, initial["text"] = filled.html, template.pk, filled.text
    organisation = EmailToCaseSettings.load()
    initial |= {"send_from": str(sender.pk) if sender else "", "mode": mode}
    return Composer(
        form=ComposerForm(senders=senders, initial=initial),
        senders=senders,
        key=key or new_key(),
        last_seen=last_seen,
        mode=mode,
        recipient_count=len(split_recipients(initial["to"])) + len(split_recipients(initial["cc"])),
        sender=sender,
        case=case,
        answers=answers,
        html=html if organisation.html_email else "",
        rich=organisation.html_email,
        passed_over=default.passed_over,
        forwarded_files=whole_files(answers) if answers is not None and mode == Mode.FORWARD else (),
        templates=offered_templates(),
        template_id=template_id,
        approvals=_approvals(user, senders, case),
        may_close=may_close(case),
    )


def posted_composer(
    form: ComposerForm,
    senders: Senders,
    user: User,
    case: Case | None,
    *,
    mode: Draft.Mode,
    answers: EmailMessage | None,
    last_seen: int,
    key: str,
    notices: Sequence[str | Promise] = (),
    risks: Sequence[Risk] = (),
) -> Composer:
    """The form as it was posted, with all that was typed."""
    typed = [str(form.data.get(name, "")) for name in ("to", "cc", "bcc")]
    word = str(form.data.get("draft", ""))
    draft = own_drafts(user).filter(pk=int(word)).first() if is_key(word) else None
    files = _files_of(draft) if draft else ()
    sender = _sender_of(str(form.data.get("send_from", "")), senders)
    pictures = {file.url: file.url for file in files if file.inline}
    template = str(form.data.get("template", ""))
    return Composer(
        form=form,
        senders=senders,
        key=key,
        last_seen=last_seen,
        mode=mode,
        recipient_count=sum(len(split_recipients(text)) for text in typed),
        sender=sender,
        case=case,
        answers=answers,
        draft=draft,
        html=outgoing_html(str(form.data.get("html", ""))[:1_000_000], pictures=pictures).html,
        rich=EmailToCaseSettings.load().html_email,
        files=files,
        forwarded_files=whole_files(answers) if answers is not None and mode == Mode.FORWARD and not draft else (),
        kept=form.cleaned_data.get("kept") if form.cleaned_data.get("kept_shown") else None,
        templates=offered_templates(),
        template_id=int(template) if is_key(template) else None,
        approvals=_approvals(user, senders, case),
        may_close=may_close(case),
        risks=risks,
        notices=notices,
    )


def _draft_to_open(
    request: HttpRequest, case: Case | None, user: User, *, mode: Draft.Mode, answers: EmailMessage | None
) -> Draft | None:
    """The draft that the address names, else the newest one that was begun in the same place."""
    word = request.GET.get("draft", "")
    mine = own_drafts(user).filter(case=case).select_related("send_from", "answers")
    if word:
        return mine.filter(pk=int(word)).first() if is_key(word) else None
    if case is None:
        return None  # every new mail is another one; those begun stand among the drafts
    if mode == Mode.FORWARD:
        mine = mine.filter(mode=mode, answers=answers) if answers is not None else mine.filter(mode=mode)
    else:
        mine = mine.filter(mode=mode, **({"answers": answers} if answers is not None else {}))
    return mine.order_by("-updated_at", "-pk").first()


def _of_draft(draft: Draft, case: Case | None, user: User, *, last_seen: int) -> Composer:
    senders = allowed_senders(user, case)
    sender = _sender_of(str(draft.send_from_id or ""), senders)
    default = None
    if sender is None and case is not None:
        default = default_sender(user, case, senders)
        sender = default.address
    initial: dict[str, Any] = {
        **{name: getattr(draft, name) for name in ("to", "cc", "bcc", "subject", "text", "answers_join")},
        "send_from": str(sender.pk) if sender else "",
        "send_at": timezone.localtime(draft.send_at).strftime("%Y-%m-%dT%H:%M") if draft.send_at else "",
        "mode": draft.mode,
    }
    organisation = EmailToCaseSettings.load()
    return Composer(
        form=ComposerForm(senders=senders, initial=initial),
        senders=senders,
        key=draft.key,
        last_seen=last_seen,
        mode=Mode(draft.mode),
        recipient_count=sum(len(split_recipients(text)) for text in (draft.to, draft.cc, draft.bcc)),
        sender=sender,
        case=case,
        answers=draft.answers,
        draft=draft,
        html=draft.html if organisation.html_email else "",
        rich=organisation.html_email,
        passed_over=default.passed_over if default else "",
        files=_files_of(draft),
        templates=offered_templates(),
        template_id=draft.template_id,
        approvals=_approvals(user, senders, case),
        may_close=may_close(case),
    )


def show_file(file: DraftFile) -> ShownFile:
    return ShownFile(file.pk, file.file_name, file.blob.size, picture_url(file), file.inline)


def _files_of(draft: Draft) -> list[ShownFile]:
    return [show_file(file) for file in draft.files.select_related("blob").order_by("pk")]


def _chosen_mail(word: str, case: Case) -> EmailMessage | None:
    if not is_key(word):
        return None
    mails = EmailMessage.objects.filter(case=case, pk=int(word)).exclude(status=EmailMessage.Status.DRAFT)
    return mails.prefetch_related("addresses").first()


def _newest_mail(case: Case) -> EmailMessage | None:
    """What is forwarded when nobody chose: the newest mail of a person."""
    mails = EmailMessage.objects.filter(case=case, incoming=True).prefetch_related("addresses")
    return mails.order_by("is_automatic", "-received_at", "-pk").first()


def _offered(case: Case | None, mode: Draft.Mode, answers: EmailMessage | None) -> dict[str, Any]:
    if case is None:
        return {"to": "", "cc": "", "bcc": "", "subject": ""}
    if mode == Mode.FORWARD:
        subject = forward_subject(answers.subject if answers else case.subject)
        return {"to": "", "cc": "", "bcc": "", "subject": subject}
    offered = offered_recipients(case, to_all=mode == Mode.REPLY_ALL, message=answers)
    return {
        "to": written_recipients(offered.to),
        "cc": written_recipients(offered.cc),
        "bcc": "",
        "subject": reply_subject(case.subject),
    }


def _approvals(user: User, senders: Senders, case: Case | None) -> dict[int, str]:
    addresses = [address for address, _because in senders.allowed]
    types = record_types_of_new(addresses) if case is None else {each.pk: case.record_type for each in addresses}
    return approvals_required(user, [(each, types.get(each.pk)) for each in addresses])


def _sender_of(key: str | None, senders: Senders) -> RoutingAddress | None:
    return next((address for address, _because in senders.allowed if str(address.pk) == key), None)
