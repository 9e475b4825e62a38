"""The composer's form. It reads what was typed; the use case decides (cases.outbound.sending)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Draft
from cases.outbound.allowed_senders import Senders
from cases.outbound.composed import NewAttachment
from cases.outbound.drafts import Typed
from cases.outbound.recipients import split_recipients
from cases.outbound.reply_rows import MOST_ATTACHED_BYTES, MOST_ATTACHMENTS
from routing.models import EmailTemplate, RoutingAddress

MOST_RECIPIENT_CHARACTERS = 20_000
MOST_KEY = 2**63 - 1
KEY = r"[A-Za-z0-9_-]{16,64}"


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; empty ones too, a customer may have asked for one."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files if file]


class KeysField(forms.Field):
    """Keys of rows, one a value; what is no key is passed over."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> frozenset[int]:
        return frozenset(int(word) for word in value or () if is_key(word))


class MomentField(forms.CharField):
    """ISO 8601 with its offset, or as a browser's datetime-local writes it: then in the zone that the form names, else
    in the organisation's.
    """

    def moment(self, word: str, zone: str) -> datetime | None:
        if not word:
            return None
        try:
            read = parse_datetime(word)
        except ValueError:
            read = None
        if read is None or not 1900 < read.year < 9000:
            raise forms.ValidationError(gettext("This is not a day and a time."))
        return read if timezone.is_aware(read) else read.replace(tzinfo=_zone(zone))


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name) if name else timezone.get_current_timezone()
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.get_current_timezone()


class ComposerForm(forms.Form):
    """`senders`: what the author may send from, as it is now. `refused_sender`, after `is_valid`: a refused address
    that was asked for, and why it is refused.
    """

    send_from = forms.CharField(label=_("From"), widget=forms.Select, error_messages={"required": _("Choose one.")})
    to = forms.CharField(
        label=_("To"),
        max_length=MOST_RECIPIENT_CHARACTERS,
        error_messages={"required": _("Enter at least one address to send to.")},
    )
    cc = forms.CharField(label=_("Cc"), max_length=MOST_RECIPIENT_CHARACTERS, required=False)
    bcc = forms.CharField(label=_("Bcc"), max_length=MOST_RECIPIENT_CHARACTERS, required=False)
    subject = forms.CharField(label=_("Subject"), max_length=1000, required=False)
    text = forms.CharField(
        label=_("Your reply"),
        widget=forms.Textarea(attrs={"rows": 9, "dir": "auto"}),
        strip=False,
        required=False,  # the use case knows when a mail may be without words
    )
    html = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    attachments = FilesField(label=_("Files"), required=False, allow_empty_file=True)
    send_at = MomentField(
        label=_("Send later"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    answers_join = forms.BooleanField(label=_("Answers to this mail join the case"), required=False)
    kept = KeysField(required=False)
    # Marks that `kept` was offered: without it nothing chosen and never asked would look the same.
    kept_shown = forms.BooleanField(required=False, widget=forms.HiddenInput)
    mode = forms.ChoiceField(choices=Draft.Mode.choices, required=False, widget=forms.HiddenInput)
    message = forms.IntegerField(min_value=1, max_value=MOST_KEY, required=False, widget=forms.HiddenInput)
    template = forms.IntegerField(min_value=1, max_value=MOST_KEY, required=False, widget=forms.HiddenInput)
    key = forms.RegexField(rf"^{KEY}$", required=False, widget=forms.HiddenInput)
    last_seen = forms.IntegerField(min_value=0, max_value=MOST_KEY, required=False, widget=forms.HiddenInput)
    draft = forms.IntegerField(min_value=1, max_value=MOST_KEY, required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, widget=forms.HiddenInput)
    confirmed = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    # By the other button: the case closes with the mail; with its warnings seen, as `confirmed`.
    closes = forms.BooleanField(required=False, widget=forms.HiddenInput)
    confirmed_closing = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, senders: Senders, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.senders = senders
        self.refused_sender: tuple[RoutingAddress, str] | None = None
        self.fields["send_from"].widget.choices = [
            (str(address.pk), sender_label(address)) for address, _because in senders.allowed
        ]

    def clean_send_from(self) -> RoutingAddress:
        chosen = self.cleaned_data["send_from"]
        for address, _because in self.senders.allowed:
            if str(address.pk) == chosen:
                return address
        for address, because in self.senders.refused:
            if str(address.pk) == chosen:
                self.refused_sender = (address, because)
                raise forms.ValidationError(
                    gettext("You may not send from %(address)s. %(because)s"),
                    params={"address": address.email_address, "because": because},
                )
        raise forms.ValidationError(gettext("Choose one of the addresses."))

    def clean_to(self) -> list[str]:
        return split_recipients(self.cleaned_data["to"])

    def clean_cc(self) -> list[str]:
        return split_recipients(self.cleaned_data["cc"])

    def clean_bcc(self) -> list[str]:
        return split_recipients(self.cleaned_data["bcc"])

    def clean_send_at(self) -> datetime | None:
        field: Any = self.fields["send_at"]
        moment: datetime | None = field.moment(self.cleaned_data["send_at"], str(self.data.get("zone", ""))[:64])
        return moment

    def clean_attachments(self) -> list[NewAttachment]:
        return read_files(self.cleaned_data["attachments"])

    def clean(self) -> dict[str, Any]:
        if word := self.cleaned_data.get("confirmed_closing"):
            self.cleaned_data |= {"confirmed": word, "closes": True}
        return self.cleaned_data


def read_files(files: Sequence[UploadedFile]) -> list[NewAttachment]:
    """Raises ValidationError for far too much, before any of them is read into memory."""
    if len(files) > MOST_ATTACHMENTS or sum(file.size or 0 for file in files) > MOST_ATTACHED_BYTES:
        raise forms.ValidationError(
            gettext("At most %(files)d files and %(most)d MB go with one mail."),
            params={"files": MOST_ATTACHMENTS, "most": MOST_ATTACHED_BYTES // (1024 * 1024)},
        )
    return [NewAttachment(file.name or "", file.content_type or "", file.read()) for file in files]


def sender_label(address: RoutingAddress) -> str:
    return f"{address.display_name or address.routing_name} <{address.email_address}>"


def is_key(word: Any) -> bool:
    """Whether a word of a form or URL can be the key of a row."""
    return isinstance(word, str) and word.isascii() and word.isdigit() and len(word) < 19


def new_key() -> str:
    """For the hidden field: the same form, submitted twice, is one mail."""
    return secrets.token_urlsafe(24)


def known_key(word: str) -> str:
    """A key as `new_key` makes it, else ""."""
    return word if re.fullmatch(KEY, word) else ""


class SendAtForm(forms.Form):
    send_at = MomentField(required=False)
    zone = forms.CharField(required=False, max_length=64)

    def clean_send_at(self) -> datetime | None:
        field: Any = self.fields["send_at"]
        moment: datetime | None = field.moment(self.cleaned_data["send_at"], str(self.data.get("zone", ""))[:64])
        return moment


class TypedForm:
    """A composer half filled in, as its draft keeps it: nothing in it is wrong, at most unusable."""

    def __init__(self, data: QueryDict) -> None:
        self.data = data

    def typed(self) -> Typed:
        word = self.data.get
        return Typed(
            send_from=RoutingAddress.objects.not_deleted().filter(pk=self._key("send_from")).first(),
            to=word("to", ""),
            cc=word("cc", ""),
            bcc=word("bcc", ""),
            subject=word("subject", ""),
            text=word("text", ""),
            html=word("html", ""),
            template=EmailTemplate.objects.filter(pk=self._key("template")).first(),
            send_at=self._send_at(),
            answers_join=bool(word("answers_join", "")),
            last_seen=self._key("last_seen") if is_key(word("last_seen", "")) else None,
        )

    def key(self) -> str:
        return known_key(self.data.get("key", ""))

    def version(self) -> int:
        return self._key("version")

    def kept(self) -> frozenset[int] | None:
        return KeysField().to_python(self.data.getlist("kept")) if self.data.get("kept_shown") else None

    def _key(self, name: str) -> int:
        word = self.data.get(name, "")
        return int(word) if is_key(word) else 0

    def _send_at(self) -> datetime | None:
        try:
            return MomentField(required=False).moment(
                self.data.get("send_at", "")[:40], self.data.get("zone", "")[:64]
            )
        except forms.ValidationError:
            return None
