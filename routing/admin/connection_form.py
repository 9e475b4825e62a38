"""The form of a connection. Its secrets are fields that take and never show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from routing.models import Connection, Secrets
from routing.sealing import CannotSeal, CannotUnseal, has_keys

SECRET_FIELDS = {
    "password": _("Password"),
    "api_key": _("API key"),
    "second_key": _("Second key"),
    "client_secret": _("Client secret"),
}
LONGEST_SECRET = 4000  # characters


class ConnectionForm(forms.ModelForm):
    password = forms.CharField(required=False, label=SECRET_FIELDS["password"], max_length=LONGEST_SECRET)
    api_key = forms.CharField(required=False, label=SECRET_FIELDS["api_key"], max_length=LONGEST_SECRET)
    second_key = forms.CharField(required=False, label=SECRET_FIELDS["second_key"], max_length=LONGEST_SECRET)
    client_secret = forms.CharField(required=False, label=SECRET_FIELDS["client_secret"], max_length=LONGEST_SECRET)

    class Meta:
        model = Connection
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets name the fields; what workers write is not editable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = _stored_secrets(self.instance)
        for name in SECRET_FIELDS.keys() & self.fields.keys():
            field = self.fields[name]
            field.widget = UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"})
            field.help_text = gettext("Not set.")
            if stored is None:
                field.help_text = gettext("Cannot be read any more: enter it again.")
            elif getattr(stored, name):
                field.help_text = gettext("Set, and never shown again. Leave it empty to keep it.")
        if "second_key" in self.fields:
            self.fields["second_key"].help_text += " " + gettext(
                "Only for Mailjet (secret key) and Amazon SES (secret access key)."
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.entered_secrets() and not has_keys():
            raise forms.ValidationError(
                str(CannotSeal(_("Set E2C_FIELD_KEYS first: secrets cannot be kept without.")))
            )
        return cleaned

    def entered_secrets(self) -> dict[str, str]:
        """What was typed; the fields that stayed empty are left out."""
        return {name: value for name in SECRET_FIELDS if (value := self.cleaned_data.get(name))}


def _stored_secrets(connection: Connection) -> Secrets | None:
    """None when no key opens them."""
    try:
        return connection.secrets()
    except (CannotSeal, CannotUnseal):
        return None
