"""The words of a named setting, and the link to its field for whoever may open that page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.models import AssignmentRule, EmailToCaseSettings, RoutingAddress, RoutingFlow
from routing.named_settings import NamedSetting

__all__ = ["ShownSetting", "shown_setting"]

PAGES: dict[str, type[models.Model]] = {
    "routing_address": RoutingAddress,
    "settings": EmailToCaseSettings,
    "assignment_rule": AssignmentRule,
    "routing_flow": RoutingFlow,
}
ROWS: dict[str, str | Promise] = {"entries": gettext_lazy("entry"), "steps": gettext_lazy("step")}


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """`url`: "" where there is no page, or none that the reader may open."""

    words: str
    url: str


def shown_setting(setting: Any, request: HttpRequest | None) -> ShownSetting | None:
    """`setting`: a NamedSetting, or one as the trail keeps it. None: there is none, or none that is known today. Asks
    the database for nothing but the reader's permissions.
    """
    if isinstance(setting, NamedSetting):
        setting = setting.as_json()
    if not isinstance(setting, dict):
        return None
    kind, _dot, field = str(setting.get("name") or "").partition(".")
    if kind == "environment":
        return ShownSetting(_("%(variable)s, in the environment") % {"variable": field}, "")
    model = PAGES.get(kind)
    if model is None or (words := _words(model, field)) is None:
        return None
    key, row = _key(setting.get("id")), _key(setting.get("row"))
    return ShownSetting(words, _url(model, key, field, row) if _may_open(model, request) else "")


def _words(model: type[models.Model], field: str) -> str | None:
    if not field:
        return capfirst(str(model._meta.verbose_name_plural))
    name: str | Promise | None = ROWS.get(field)
    if name is None:
        try:
            name = model._meta.get_field(field).verbose_name  # type: ignore[union-attr]
        except (FieldDoesNotExist, AttributeError):
            return None
    return f"{capfirst(str(model._meta.verbose_name))}: {name}"


def _may_open(model: type[models.Model], request: HttpRequest | None) -> bool:
    if request is None or not admin.site.has_permission(request):
        return False
    return bool(admin.site.get_model_admin(model).has_view_permission(request))


def _url(model: type[models.Model], key: int | None, field: str, row: int | None) -> str:
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    if key is None:
        # Of the settings there is one row: its list leads to it, and a browser keeps the anchor.
        return reverse(f"{page}_changelist") + (f"#id_{field}" if field else "")
    anchor = f"{field}-row-{row}" if row is not None else f"id_{field}"
    return reverse(f"{page}_change", args=[key]) + (f"#{anchor}" if field else "")


def _key(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
