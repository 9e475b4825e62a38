"""Secrets as one sealed text in the database: encrypted with the first of E2C_FIELD_KEYS, opened with any of them.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) because its keys rotate: put a new one in front,
run `manage.py rotate_field_keys`, take the old one away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

__all__ = ["CannotSeal", "CannotUnseal", "has_keys", "reseal", "seal", "unseal"]


class CannotSeal(RuntimeError):
    """There is no key to encrypt with."""


class CannotUnseal(RuntimeError):
    """None of the keys opens this text: it was sealed with one that is gone."""


def has_keys() -> bool:
    return bool(settings.E2C_FIELD_KEYS)


@sensitive_variables()
def seal(secrets: Mapping[str, str]) -> str:
    """The values as one text; "" for none at all. Raises CannotSeal."""
    kept = {name: value for name, value in secrets.items() if value}
    return _fernet().encrypt(json.dumps(kept).encode()).decode() if kept else ""


@sensitive_variables()
def unseal(text: str) -> dict[str, str]:
    """What `seal` took. Raises CannotUnseal, and CannotSeal when there is no key at all."""
    if not text:
        return {}
    try:
        opened = json.loads(_fernet().decrypt(text.encode()))
    except (InvalidToken, ValueError) as error:
        raise CannotUnseal(_("The stored secrets cannot be read with the keys of E2C_FIELD_KEYS.")) from error
    return {str(name): str(value) for name, value in opened.items()}


def reseal(text: str) -> str:
    """The same secrets under the first key. Raises CannotUnseal."""
    try:
        return _fernet().rotate(text.encode()).decode() if text else ""
    except InvalidToken as error:
        raise CannotUnseal(_("The stored secrets cannot be read with the keys of E2C_FIELD_KEYS.")) from error


def _fernet() -> MultiFernet:
    if not has_keys():
        raise CannotSeal(_("E2C_FIELD_KEYS is not set: secrets cannot be kept."))
    return MultiFernet([Fernet(key) for key in settings.E2C_FIELD_KEYS])
