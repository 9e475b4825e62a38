"""The mail lab at a page: choose a mail and who brings it, see step by step what would happen, then do it.

Looking writes nothing at all. What is done is the very mail that was looked at: its bytes stand in the form.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from cases.inbound.accept import RequestFacts
from cases.mail_lab.foretelling import Foretold, Verdict, foretell, judge
from cases.mail_lab.pace import LOOKS, NotNow
from cases.mail_lab.posting import NotTaken, TooMany, call_of, path_of, post_for_real
from cases.mail_lab.request_parts import ProviderRequest
from cases.mail_lab.samples import SAMPLES, make_sample
from cases.mail_lab.shapes import SHAPES, CannotShape, Envelope, Shape, request_for
from cases.reasons import Reason
from cases.templatetags.case_pages import trail_step
from routing.admin.access import can_configure, signed_in
from routing.models import RoutingAddress

__all__ = ["mail_lab_page"]

TEMPLATE = "admin/cases/mail_lab.html"
MOST_BYTES = 1_048_576  # of a mail
MOST_SHOWN = 20_000  # characters of the mail on the page
MOST_ADDRESSES = 200
VERDICTS = [
    ("pass", gettext_lazy("passes")),
    ("fail", gettext_lazy("fails")),
    ("none", gettext_lazy("is not there")),
]


class LabForm(forms.Form):
    sample = forms.ChoiceField(required=False)
    file = forms.FileField(required=False)
    text = forms.CharField(required=False, strip=False)
    mail = forms.CharField(required=False, max_length=2 * MOST_BYTES)  # base64 of what was looked at
    envelope_sender = forms.CharField(required=False, max_length=320)
    shape = forms.ChoiceField(choices=[(name, shape.label) for name, shape in SHAPES.items()])
    recipient = forms.CharField(max_length=320)
    verdict = forms.ChoiceField(choices=VERDICTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sample = self.fields["sample"]
        assert isinstance(sample, forms.ChoiceField)  # noqa: S101 - declared above
        sample.choices = [("", ""), *((each.name, each.label) for each in SAMPLES.values())]

    def clean_recipient(self) -> str:
        recipient: str = self.cleaned_data["recipient"].strip()
        if "@" not in recipient or any(letter.isspace() for letter in recipient):
            raise forms.ValidationError(_("Write one email address."))
        return recipient


@dataclass(frozen=True, slots=True)
class Chosen:
    """`what`: the mail in a word, for the audit log."""

    raw: bytes
    envelope: Envelope
    shape: Shape
    what: str


class NoMail(ValueError):
    """What was given is no mail, or too much of one."""


@sensitive_post_parameters("mail", "text")
def mail_lab_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if not can_configure(request):
        raise PermissionDenied
    addresses = RoutingAddress.objects.not_deleted().order_by("routing_name")[:MOST_ADDRESSES]
    context |= {
        "title": _("Mail lab"),
        "samples": [each for each in SAMPLES.values() if not each.is_hostile],
        "hostile": [each for each in SAMPLES.values() if each.is_hostile],
        "shapes": list(SHAPES.values()),
        "addresses": list(addresses),
        "verdicts": VERDICTS,
        "most_kb": MOST_BYTES // 1024,
        "form": LabForm(),
    }
    if request.method != "POST":
        return TemplateResponse(request, TEMPLATE, context)
    form = context["form"] = LabForm(request.POST, request.FILES)
    if not form.is_valid():
        return TemplateResponse(request, TEMPLATE, context, status=422)
    try:
        chosen = _chosen(form)
    except NoMail as fault:
        form.add_error(None, str(fault))
        return TemplateResponse(request, TEMPLATE, context, status=422)
    if "do" in request.POST:
        return _do(request, chosen, context)
    return _looked(request, chosen, context)


def _chosen(form: LabForm) -> Chosen:
    given = form.cleaned_data
    envelope_sender, raw = given["envelope_sender"].strip().strip("<>"), b""
    if given["mail"]:
        what = "the mail that was looked at"
        try:
            raw = base64.b64decode(given["mail"], validate=True)
        except (ValueError, binascii.Error):
            raise NoMail(_("The mail in the form is damaged; choose it again.")) from None
        what = given["sample"] or what
    elif given["file"] is not None:
        if given["file"].size > MOST_BYTES:
            raise NoMail(_("The mail is larger than %(size)s KB.") % {"size": MOST_BYTES // 1024})
        raw, what = given["file"].read(), "a file"
    elif given["text"].strip():
        # A browser sends line ends as CR LF, which is what mail has.
        raw, what = given["text"].lstrip("\r\n").encode("utf-8", "surrogatepass"), "pasted text"
    elif given["sample"]:
        sample = make_sample(given["sample"], given["recipient"], now=timezone.now())
        raw, envelope_sender, what = sample.raw, sample.envelope_sender, given["sample"]
    if not raw:
        raise NoMail(_("Choose a sample, or give a mail of your own."))
    if len(raw) > MOST_BYTES:
        raise NoMail(_("The mail is larger than %(size)s KB.") % {"size": MOST_BYTES // 1024})
    envelope = Envelope(given["recipient"], envelope_sender, given["verdict"])
    return Chosen(raw, envelope, SHAPES[given["shape"]], what)


def _looked(request: HttpRequest, chosen: Chosen, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page with what would become of the mail; without it for a person who looks too often."""
    try:
        with LOOKS.turn(signed_in(request).pk):
            return TemplateResponse(request, TEMPLATE, context | _looked_at(request, chosen), status=status)
    except NotNow as refusal:
        words = _("You may look at %(most)s mails a minute, one at a time. Look again in %(seconds)s s.")
        context["form"].add_error(None, words % {"most": LOOKS.most, "seconds": refusal.wait})
        answer = TemplateResponse(request, TEMPLATE, context, status=429)
        answer["Retry-After"] = str(refusal.wait)
        return answer


def _looked_at(request: HttpRequest, chosen: Chosen) -> dict[str, Any]:
    site = _site(request)
    made, verdict, foretold, answer = None, None, None, ""
    try:
        if chosen.shape.make is None:
            sender = chosen.envelope.sender or "<>"
            foretold = foretell(
                "smtp", chosen.raw, RequestFacts("", "", ""), sender=sender, recipient=chosen.envelope.recipient
            )
        else:
            made = request_for(chosen.shape, chosen.raw, chosen.envelope, site=site)
            verdict, facts, body = judge(call_of(made, site=site), path_of(made), checked_with=made.checked_with)
            if verdict.is_welcome:
                foretold = foretell(made.provider, body, facts)
    except CannotShape as fault:
        answer = str(fault)
    shown = chosen.raw.decode("utf-8", "replace")
    return {
        "chosen": chosen,
        "mail_base64": base64.b64encode(chosen.raw).decode(),
        "mail_text": shown[:MOST_SHOWN],
        "mail_is_cut": len(shown) > MOST_SHOWN,
        "cannot": answer,
        "verdict": verdict,
        "foretold": foretold,
        "steps": _steps(chosen, made, verdict, foretold),
        "outcome": _outcome(foretold),
        "reason": _reason(foretold),
        "can_do": not answer and (verdict is None or verdict.is_welcome),
    }


def _steps(
    chosen: Chosen, made: ProviderRequest | None, verdict: Verdict | None, foretold: Foretold | None
) -> list[dict[str, Any]]:
    """What happens, in its order, with the reason of each step."""
    steps: list[dict[str, Any]] = []
    if chosen.shape.make is None:
        steps.append({"title": _("Taken"), "word": "ok", "verdict": _("stored"), "because": _("by the SMTP listener")})
    elif verdict is not None:
        because = (
            _("the password and the signature are right") if verdict.is_welcome else verdict.reason.replace("_", " ")
        )
        if made is not None and made.unlike:
            unlike = {"title": _("Unlike the provider"), "word": "unknown", "verdict": _("by the lab")}
            steps.append(unlike | {"because": made.unlike})
        steps.append(
            {
                "title": _("The webhook answers"),
                "word": "ok" if verdict.is_welcome else "wrong",
                "verdict": str(verdict.status),
                "because": because,
                "setting": verdict.setting,
            }
        )
    if foretold is None:
        return steps
    if foretold.mail is not None:
        mail, verdicts = foretold.mail, foretold.mail.analysis.authentication
        files = [file.file_name or file.content_type for file in mail.email.attachments]
        sender = mail.email.sender
        facts = [
            (_("From"), f"{sender.name} <{sender.address}>" if sender else "–"),
            (_("Subject"), mail.email.subject or "–"),
            (
                _("Envelope"),
                f"{mail.facts.envelope_sender or '<>'} → {', '.join(mail.facts.envelope_recipients) or '–'}",
            ),
            (_("Files"), ", ".join(files) or "–"),
            ("SPF, DKIM, DMARC", ", ".join(each or "–" for each in (verdicts.spf, verdicts.dkim, verdicts.dmarc))),
        ]
        steps.append({"title": _("What is read"), "word": "ok", "verdict": _("read"), "because": "", "facts": facts})
    for line in foretold.trail:
        steps.append(
            {
                "title": trail_step(line["step"]),
                "word": "unknown",
                "verdict": line["verdict"].replace("_", " "),
                "because": line["because"],
                "setting": line.get("setting"),
            }
        )
    return steps


def _outcome(foretold: Foretold | None) -> str:
    if foretold is None:
        return ""
    values = foretold.values
    words = {
        "case": _("It would open a case."),
        "appended": _("It would join case %(case)s."),
        "duplicate": _("It would be a second delivery of a mail of case %(case)s."),
        "held": _("It would be held for a person."),
        "quarantined": _("It would be quarantined for a person."),
        "rejected": _("It would be rejected; its bytes stay."),
        "received": _("It would be tried again later."),
    }
    return str(words.get(values["outcome"]) or values["outcome"]) % {"case": values["case"]}


def _reason(foretold: Foretold | None) -> str:
    slug = foretold.values["reason"] if foretold is not None else ""
    return str(Reason(slug).label) if slug in Reason.values else slug


def _do(request: HttpRequest, chosen: Chosen, context: dict[str, Any]) -> HttpResponse:
    try:
        inbound = post_for_real(
            chosen.shape,
            chosen.raw,
            chosen.envelope,
            site=_site(request),
            by=signed_in(request),
            what=chosen.what,
        )
    except (CannotShape, NotTaken, TooMany) as refusal:
        context["form"].add_error(None, str(refusal))
        status = 429 if isinstance(refusal, TooMany) else 422
        return _looked(request, chosen, context, status=status)
    words = _("The mail is in. The workers settle it; reload in a moment to see the case that it became part of.")
    messages.success(request, words)
    return HttpResponseRedirect(reverse("admin:cases_inboundemail_change", args=[inbound.pk]))


def _site(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
