"""How the back office looks and what its side bar lists. Loaded by the settings: imports no model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

BESIDE_A_LIST = ("/email-action/", "/figures/", "/first-steps/", "/lint/", "/configuration/", "/inboundemail/lab/")

FIRST_STEPS = "routing_routingaddress_first_steps"


def _page(title: Any, icon: str, app_label: str, model_name: str, *, url_name: str = "") -> dict[str, Any]:
    """One entry, shown to those who may see the list behind it. `url_name`: another page beside that list."""

    def link(request: HttpRequest) -> str:
        try:
            return reverse(f"admin:{url_name or f'{app_label}_{model_name}_changelist'}")
        except NoReverseMatch:
            return ""

    def is_active(request: HttpRequest) -> bool:
        here = bool(link(request)) and request.path.startswith(link(request))
        # A page beside a list has an entry of its own; that of the list is not lit for it.
        return here and (bool(url_name) or not request.path.endswith(BESIDE_A_LIST))

    return {
        "title": title,
        "icon": icon,
        "link": link,
        "active": is_active,
        "permission": _may_see(app_label, model_name),
    }


def _may_see(app_label: str, model_name: str) -> Callable[[HttpRequest], bool]:
    def may_see(request: HttpRequest) -> bool:
        for model, model_admin in admin.site._registry.items():
            if model._meta.app_label == app_label and model._meta.model_name == model_name:
                return bool(model_admin.has_view_permission(request))
        return False

    return may_see


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Email-to-Case",
    "SITE_HEADER": "Email-to-Case",
    "SITE_SUBHEADER": _("Setup and mail"),
    "SITE_SYMBOL": "alternate_email",
    "SITE_URL": "/cases/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("routing/icon.svg")},
    ],
    "DASHBOARD_CALLBACK": "cases.admin.dashboard.add_figures",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "7px",
    "STYLES": [lambda request: static("routing/admin.css")],
    "SCRIPTS": [lambda request: static("routing/admin.js")],
    "COLORS": {
        "primary": {
            "50": "#eff5ff",
            "100": "#dce9fe",
            "200": "#c0d8fd",
            "300": "#94bdfb",
            "400": "#629af6",
            "500": "#3b79ea",
            "600": "#1d5fd1",
            "700": "#1a4eac",
            "800": "#1b438c",
            "900": "#1b3a72",
            "950": "#142548",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Setup"),
                "items": [
                    _page(_("First steps"), "flag", "routing", "routingaddress", url_name=FIRST_STEPS)
                    | {"permission": "routing.admin.access.can_configure"},
                    _page(_("Routing addresses"), "alternate_email", "routing", "routingaddress"),
                    _page(_("Connections"), "outgoing_mail", "routing", "connection"),
                    _page(_("Permission sets"), "key", "routing", "permissionset"),
                    _page(
                        _("Email action"), "send", "routing", "recordtype", url_name="routing_recordtype_email_action"
                    ),
                    _page(_("Email-to-Case settings"), "tune", "routing", "emailtocasesettings"),
                    _page(
                        _("Configuration file"),
                        "description",
                        "routing",
                        "emailtocasesettings",
                        url_name="routing_emailtocasesettings_configuration",
                    )
                    | {"permission": "routing.admin.access.can_configure"},
                ],
            },
            {
                "title": _("Who gets a case"),
                "separator": True,
                "items": [
                    _page(_("Queues"), "inbox", "routing", "queue"),
                    _page(_("Assignment rules"), "rule", "routing", "assignmentrule"),
                    _page(_("Routing flows"), "account_tree", "routing", "routingflow"),
                    _page(
                        _("Lint"), "spellcheck", "routing", "assignmentrule", url_name="routing_assignmentrule_lint"
                    ),
                    _page(_("Rep presence"), "how_to_reg", "routing", "reppresence"),
                    _page(_("Skills"), "school", "routing", "skill"),
                    _page(_("Waiting cases"), "hourglass", "cases", "pendingrouting"),
                ],
            },
            {
                "title": _("Cases and texts"),
                "separator": True,
                "items": [
                    _page(_("Record types"), "category", "routing", "recordtype"),
                    _page(_("Case statuses"), "toggle_on", "cases", "casestatus"),
                    _page(_("Case fields"), "list_alt", "cases", "casefield"),
                    _page(_("Business hours"), "schedule", "routing", "businesshours"),
                    _page(_("Service levels"), "timer", "routing", "servicelevel"),
                    _page(_("Email templates"), "draft", "routing", "emailtemplate"),
                    _page(_("Quick texts"), "bolt", "routing", "quicktext"),
                ],
            },
            {
                "title": _("Mail and cases"),
                "separator": True,
                "items": [
                    _page(_("Dashboard"), "monitoring", "cases", "case", url_name="cases_case_figures")
                    | {"permission": "cases.admin.dashboard.may_see_figures"},
                    _page(_("Inbound mail"), "move_to_inbox", "cases", "inboundemail"),
                    _page(_("Outgoing mail"), "outbox", "cases", "outbox"),
                    _page(_("Mail lab"), "science", "cases", "inboundemail", url_name="cases_inboundemail_lab")
                    | {"permission": "routing.admin.access.can_configure"},
                    _page(_("Test mails"), "sync", "cases", "looptest"),
                    _page(_("Hook runs"), "webhook", "cases", "hookrun"),
                    _page(_("Cases"), "work", "cases", "case"),
                    _page(_("Contacts"), "contacts", "cases", "contact"),
                    _page(_("Refused calls"), "gpp_bad", "cases", "refusedcall"),
                ],
            },
            {
                "title": _("People and history"),
                "separator": True,
                "items": [
                    _page(_("Users"), "person", "auth", "user"),
                    _page(_("Groups"), "group", "auth", "group"),
                    _page(_("Sending decisions"), "verified_user", "cases", "senddecision"),
                    _page(_("Refused sign-ins"), "lock", "axes", "accessattempt"),
                    _page(_("Audit"), "history", "routing", "auditevent"),
                ],
            },
        ],
    },
}
