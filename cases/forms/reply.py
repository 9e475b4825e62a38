"""The composer's form. It reads what was typed; the use case decides (cases.outbound.replies)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.outbound.allowed_senders import Senders
from cases.outbound.recipients import split_recipients
from cases.outbound.replies import NewAttachment
from cases.outbound.reply_rows import MOST_ATTACHED_BYTES, MOST_ATTACHMENTS
from routing.models import RoutingAddress

MOST_RECIPIENT_CHARACTERS = 20_000


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; empty ones too, a customer may have asked for one."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files if file]


class ReplyForm(forms.Form):
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
        error_messages={"required": _("Write something to send.")},
    )
    attachments = FilesField(label=_("Files"), required=False, allow_empty_file=True)
    key = forms.RegexField(r"^[A-Za-z0-9_-]{16,64}$", required=False, widget=forms.HiddenInput)
    last_seen = forms.IntegerField(min_value=0, max_value=2**63 - 1, required=False, widget=forms.HiddenInput)
    draft = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False, widget=forms.HiddenInput)

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

    def clean_attachments(self) -> list[NewAttachment]:
        files: Sequence[UploadedFile] = self.cleaned_data["attachments"]
        # Before any of them is read into memory.
        if len(files) > MOST_ATTACHMENTS or sum(file.size or 0 for file in files) > MOST_ATTACHED_BYTES:
            raise forms.ValidationError(
                gettext("At most %(files)d files and %(most)d MB go with one mail."),
                params={"files": MOST_ATTACHMENTS, "most": MOST_ATTACHED_BYTES // (1024 * 1024)},
            )
        return [NewAttachment(file.name or "", file.content_type or "", file.read()) for file in files]


def sender_label(address: RoutingAddress) -> str:
    return f"{address.display_name or address.routing_name} <{address.email_address}>"


def new_key() -> str:
    """For the hidden field: the same form, submitted twice, is one mail."""
    return secrets.token_urlsafe(24)
