"""A configuration file from a person at a page: what it would change, what they may change, and the change itself.

What was shown is what is done: the change is made only while the configuration, and what the file makes of it, are as
they were when the person looked at it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from cases.configuration import export_configuration, import_configuration, with_line
from routing.configuration.errors import ConfigurationError
from routing.configuration.importing import ImportRun
from routing.configuration.yaml_text import read_yaml
from routing.models import EmailToCaseSettings

__all__ = ["MOST_BYTES", "ChangedMeanwhile", "ShownChanges", "apply_changes", "hidden_sections", "look_at", "text_of"]

MOST_BYTES = 1_048_576  # of a file at a page; larger ones are for the command
# Rights are given by superusers alone (routing.admin.users); a file is no way round that.
ONLY_SUPERUSERS = {"users": "user", "groups": "group"}
# Contacts may be tens of thousands, and change with the work on cases: those that the file names are compared anyway.
NOT_SEALED = ("contacts",)


class ChangedMeanwhile(Exception):
    """The configuration, or what the file makes of it, is not what was shown. Nothing was written."""


@dataclass(frozen=True, slots=True)
class ShownChanges:
    """`seal` stands for the configuration and these changes of it."""

    run: ImportRun
    seal: str


def text_of(content: bytes) -> str:
    """The text of an uploaded file, or of a field. Raises ConfigurationError."""
    if len(content) > MOST_BYTES:
        raise ConfigurationError("", f"This is larger than {MOST_BYTES // 1024} KB; use the command import_config.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError("", f"This is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    if not text.strip():
        raise ConfigurationError("", "Choose a file, or paste its text.")
    return text


def hidden_sections(person: User) -> frozenset[str]:
    """Sections with what the person may not see: they are not handed out, and not taken."""
    needed = {"contacts": "cases.view_contact", "groups": "auth.view_group"}
    return frozenset(name for name, permission in needed.items() if not person.has_perm(permission))


def look_at(text: str, person: User) -> ShownChanges:
    """What the file would change. Nothing is written. Raises ConfigurationError."""
    with transaction.atomic():
        before = _configuration_now()
        run = _import(text, person, dry_run=True)
    return ShownChanges(run, _seal(before, run))


def apply_changes(text: str, person: User, *, seal: str) -> ImportRun:
    """Merge the file, if that does what was shown. Raises ConfigurationError and ChangedMeanwhile."""
    with transaction.atomic():
        EmailToCaseSettings.objects.select_for_update().first()  # one import at a time
        before = _configuration_now()

        def compare(run: ImportRun) -> None:
            _refuse_rights(run, person)
            if _seal(before, run) != seal:
                raise ChangedMeanwhile

        return _import(text, person, announce=compare)


def try_changes(text: str, person: User) -> None:
    """Merge the file inside a transaction that the caller rolls back, to see what mail would become."""
    _import(text, person)


def _import(text: str, person: User, **options: Any) -> ImportRun:
    try:
        _refuse_hidden(read_yaml(text), person)
        run = import_configuration(text, by=person, **({"announce": _refusing(person)} | options))
    except ConfigurationError as error:
        raise with_line(error, text) from error.__cause__
    return run


def _refusing(person: User) -> Any:
    return lambda run: _refuse_rights(run, person)


def _refuse_hidden(document: Any, person: User) -> None:
    if not isinstance(document, dict):
        return
    for name in sorted(hidden_sections(person) & set(document)):
        raise ConfigurationError(name, "you may not see these; take the section out of the file.")
    if "contacts" in document and not person.has_perms(["cases.add_contact", "cases.change_contact"]):
        raise ConfigurationError("contacts", "you may not change contacts; take the section out of the file.")
    users = document.get("users")
    if person.is_superuser or not isinstance(users, list):
        return
    for index, user in enumerate(users):
        if isinstance(user, dict) and "password" in user:
            # Before anything is compared: whether a password is the right one must not show either.
            raise ConfigurationError(f"users[{index}].password", "only superusers set passwords.")


def _refuse_rights(run: ImportRun, person: User) -> None:
    """What no page gives to whoever configures: rights, and the proof that an address is theirs."""
    if person.is_superuser:
        return
    for change in run.made:
        for section, noun in ONLY_SUPERUSERS.items():
            if change.noun == noun:
                problem = f"only superusers change these here ({change}); take the section out of the file."
                raise ConfigurationError(section, problem)
        if change.noun == "routing address" and str(change.what).startswith("verified "):
            problem = f"{change.name} is verified by the mail that is sent to it; take its key verified out."
            raise ConfigurationError("routing_addresses", problem)


def _configuration_now() -> str:
    return export_configuration(without=NOT_SEALED)


def _seal(before: str, run: ImportRun) -> str:
    lines = "\n".join(f"{change}\0{change.what!r}" for change in run.made)
    return hashlib.sha256(f"{before}\0{lines}".encode()).hexdigest()
