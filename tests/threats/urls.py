"""Every URL of the project, found in the URLconf itself, and who may open what: the one table of the access tests.

A URL that is in no row of the table makes `test_every_url` fail: whoever adds a page says here who may see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


class Kind(Enum):
    """Who may open a URL."""

    PUBLIC = "answers everybody"
    WEBHOOK = "answers who has the provider's password"
    REP_LIST = "a list for people who are logged in, of what is theirs"
    REP_OBJECT = "about one case: not found unless it is theirs"
    REP_ACTION = "changes one case: POST alone"
    REP_FORM = "a form for people who are logged in, about nothing that is there yet"
    REP_START = "begins or judges something of one's own: POST alone"
    LOGOUT = "POST alone"
    FIGURES = "for monitors with the token, and staff who may open the dashboard"
    STAFF = "for everybody in the back office; shows what each may see"
    STAFF_FORBIDDEN = "in the back office, refused without the permission"
    STAFF_STUB = "in the back office, leads to another page of it"
    STAFF_ACTION = "in the back office, POST alone"
    NOWHERE = "in the back office, not found"


@dataclass(frozen=True, slots=True)
class FoundUrl:
    """One pattern of the URLconf. `route` is its whole path as written, `name` its name with namespaces."""

    route: str
    name: str

    def __str__(self) -> str:
        return self.name if not self.name.endswith("?") else self.route

    @property
    def model(self) -> str:
        """The label of the model whose page this is ("cases.case"); "" for pages of no model."""
        found = re.match(r"admin/(routing|cases|auth|axes)/([a-z]+)/", self.route)
        return f"{found[1]}.{found[2]}" if found else ""

    @property
    def page(self) -> str:
        """What stands behind the model in the path."""
        return self.route.split("/", 3)[3] if self.model else ""

    def path(self, values: Mapping[str, Any]) -> str:
        if self.route in REGEX_PATHS:
            return REGEX_PATHS[self.route]
        return "/" + re.sub(r"<(?:[a-z_]+:)?([a-z_]+)>", lambda found: str(values[found[1]]), self.route)


# Routes that are regular expressions, with one path that each matches.
REGEX_PATHS = {
    r"admin/^(?P<app_label>routing|auth|axes|cases)/$": "/admin/cases/",
    r"admin/(?P<url>.*)$": "/admin/nowhere/",
    r"anymail/^mailgun/inbound(_mime)?/$": "/anymail/mailgun/inbound_mime/",
}


def found_urls() -> list[FoundUrl]:
    return list(_walk(get_resolver(), "", ()))


def _walk(resolver: URLResolver, prefix: str, names: tuple[str, ...]) -> Iterator[FoundUrl]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield FoundUrl(route, ":".join((*names, pattern.name or "?")))
        else:
            yield from _walk(pattern, route, (*names, pattern.namespace) if pattern.namespace else names)


BY_NAME = {
    "home": Kind.PUBLIC,  # leads to the list
    "login": Kind.PUBLIC,
    "readyz": Kind.PUBLIC,
    "healthz": Kind.PUBLIC,
    "metrics": Kind.FIGURES,
    "routing:verify": Kind.PUBLIC,
    "satisfaction": Kind.PUBLIC,
    "logout": Kind.LOGOUT,
    "case_list": Kind.REP_LIST,
    "case_views": Kind.REP_LIST,
    "case_counts": Kind.REP_LIST,
    "own_presence": Kind.REP_START,
    "case_filters": Kind.REP_LIST,
    "case_list_newer": Kind.REP_LIST,
    "bulk_choices": Kind.REP_LIST,
    "saved_views": Kind.REP_ACTION,
    "saved_view": Kind.REP_ACTION,
    "saved_view_delete": Kind.REP_ACTION,
    "case": Kind.REP_OBJECT,
    "case_head": Kind.REP_OBJECT,
    "case_panel": Kind.REP_OBJECT,
    "case_earlier_cases": Kind.REP_OBJECT,
    "case_why": Kind.REP_OBJECT,
    "case_form": Kind.REP_OBJECT,
    "case_colleagues": Kind.REP_OBJECT,
    "note": Kind.REP_OBJECT,
    "case_live": Kind.REP_ACTION,
    "case_act": Kind.REP_ACTION,
    "note_add": Kind.REP_ACTION,
    "note_edit": Kind.REP_ACTION,
    "case_bulk": Kind.REP_ACTION,
    "case_undo": Kind.REP_ACTION,
    "case_join": Kind.REP_ACTION,
    "case_keep_apart": Kind.REP_ACTION,
    "case_reply": Kind.REP_ACTION,
    "case_compose": Kind.REP_OBJECT,
    "case_warnings": Kind.REP_ACTION,
    "case_template": Kind.REP_OBJECT,
    "case_quick_texts": Kind.REP_OBJECT,
    "new_mail": Kind.REP_FORM,
    "new_mail_warnings": Kind.REP_START,
    "new_mail_template": Kind.REP_LIST,
    "new_mail_quick_texts": Kind.REP_LIST,
    "people": Kind.REP_LIST,
    "approvals": Kind.REP_LIST,
    "notifications": Kind.REP_LIST,
    "notifications_unread": Kind.REP_LIST,
    "notifications_read": Kind.REP_START,
    "notification_choices": Kind.REP_FORM,
    "drafts": Kind.REP_LIST,
    "draft_create": Kind.REP_START,
    "draft_save": Kind.REP_ACTION,
    "draft_discard": Kind.REP_ACTION,
    "draft_upload": Kind.REP_ACTION,
    "draft_file": Kind.REP_OBJECT,
    "draft_file_remove": Kind.REP_ACTION,
    "reply_edit": Kind.REP_ACTION,
    "reply_schedule": Kind.REP_ACTION,
    "reply_approve": Kind.REP_ACTION,
    "reply_reject": Kind.REP_ACTION,
    "reply_undo": Kind.REP_ACTION,
    "reply_again": Kind.REP_ACTION,
    "make_contact": Kind.REP_ACTION,
    "answer_invitation": Kind.REP_ACTION,
    "invitation": Kind.REP_OBJECT,
    "message_charset": Kind.REP_ACTION,
    "case_earlier": Kind.REP_OBJECT,
    "case_newer": Kind.REP_OBJECT,
    "case_files": Kind.REP_OBJECT,
    "message_html": Kind.REP_OBJECT,
    "message_text": Kind.REP_OBJECT,
    "message_headers": Kind.REP_OBJECT,
    "message_raw": Kind.REP_OBJECT,
    "inline_image": Kind.REP_OBJECT,
    "attachment": Kind.REP_OBJECT,
    "admin:index": Kind.STAFF,
    "admin:app_list": Kind.STAFF,
    "admin:login": Kind.PUBLIC,
    "admin:logout": Kind.LOGOUT,
    "admin:search": Kind.STAFF,
    "admin:password_change": Kind.STAFF,  # one's own
    "admin:password_change_done": Kind.STAFF,
    "admin:jsi18n": Kind.STAFF,
    "admin:autocomplete": Kind.STAFF_FORBIDDEN,
    "admin:view_on_site": Kind.NOWHERE,
}
BY_ROUTE = {
    "verify/<str:token>": Kind.PUBLIC,
    "verify/": Kind.PUBLIC,
    r"admin/(?P<url>.*)$": Kind.NOWHERE,
}
MODELS = frozenset(
    {
        "auth.group", "auth.user", "axes.accessattempt", "cases.attachment", "cases.case",
        "cases.casecomment", "cases.caseevent", "cases.casefield", "cases.tag",
        "cases.casestatus", "cases.casetask", "cases.contact", "cases.emailmessage", "cases.hookrun",
        "cases.inboundemail", "cases.looptest", "cases.pendingrouting",
        "cases.outbox", "cases.refusedcall", "cases.routingdecision", "cases.senddecision", "cases.trackingrequest",
        "routing.assignmentrule", "routing.auditevent", "routing.businesshours",
        "routing.connection", "routing.emailtemplate", "routing.emailtocasesettings",
        "routing.permissionset", "routing.queue", "routing.quicktext", "routing.recordtype",
        "routing.reppresence", "routing.routingaddress", "routing.routingflow", "routing.servicelevel",
        "routing.skill",
    }
)  # fmt: skip
MODEL_PAGES = {
    "": Kind.STAFF_FORBIDDEN,
    "add/": Kind.STAFF_FORBIDDEN,
    "<path:object_id>/history/": Kind.STAFF_FORBIDDEN,
    "<path:object_id>/delete/": Kind.STAFF_FORBIDDEN,
    "<path:object_id>/change/": Kind.STAFF_FORBIDDEN,
    "<path:object_id>/": Kind.STAFF_STUB,
}
OWN_PAGES = {
    ("auth.user", "<id>/password/"): Kind.STAFF_FORBIDDEN,
    ("routing.routingaddress", "first-steps/"): Kind.STAFF_FORBIDDEN,
    ("routing.routingaddress", "<path:object_id>/verify/"): Kind.STAFF_ACTION,
    ("routing.routingaddress", "<path:object_id>/proof/"): Kind.STAFF_FORBIDDEN,
    ("routing.routingaddress", "<path:object_id>/test-mail/"): Kind.STAFF_ACTION,
    ("routing.routingaddress", "<path:object_id>/check-dns/"): Kind.STAFF_ACTION,
    (
        "routing.connection",
        "connected/",
    ): Kind.STAFF_FORBIDDEN,  # the way back from a provider
    ("routing.connection", "<path:object_id>/connect/"): Kind.STAFF_ACTION,
    ("routing.connection", "<path:object_id>/test/"): Kind.STAFF_ACTION,
    ("routing.connection", "<path:object_id>/test-mail/"): Kind.STAFF_ACTION,
    ("routing.routingaddress", "<path:object_id>/resume-answers/"): Kind.STAFF_ACTION,
    ("routing.recordtype", "email-action/"): Kind.STAFF_FORBIDDEN,
    ("routing.assignmentrule", "lint/"): Kind.STAFF_FORBIDDEN,
    ("routing.emailtocasesettings", "configuration/"): Kind.STAFF_FORBIDDEN,
    ("routing.emailtocasesettings", "configuration/download/"): Kind.STAFF_FORBIDDEN,
    ("cases.inboundemail", "lab/"): Kind.STAFF_FORBIDDEN,
    ("routing.emailtemplate", "preview/"): Kind.STAFF_ACTION,
    ("routing.quicktext", "preview/"): Kind.STAFF_ACTION,
    ("cases.case", "figures/"): Kind.STAFF_FORBIDDEN,
    ("cases.senddecision", "address/<int:address_id>/"): Kind.STAFF_FORBIDDEN,
    ("cases.senddecision", "user/<int:user_id>/"): Kind.STAFF_FORBIDDEN,
    ("cases.inboundemail", "dry-run/<slug:model_name>/<slug:object_id>/"): Kind.STAFF_ACTION,
    ("cases.inboundemail", "<int:inbound_id>/download/"): Kind.STAFF_FORBIDDEN,
    ("cases.inboundemail", "<int:inbound_id>/raw/"): Kind.STAFF_FORBIDDEN,
    ("cases.inboundemail", "<int:inbound_id>/retry/"): Kind.STAFF_ACTION,
    ("cases.inboundemail", "<int:inbound_id>/wave-through/"): Kind.STAFF_ACTION,
    ("cases.inboundemail", "<int:inbound_id>/discard/"): Kind.STAFF_ACTION,
}
ACTIONS = frozenset({Kind.REP_ACTION, Kind.REP_START, Kind.LOGOUT, Kind.STAFF_ACTION})


def kind_of(url: FoundUrl) -> Kind | None:
    """None: nobody said who may open it."""
    if url.name.startswith("anymail:"):
        return Kind.WEBHOOK
    if url.model:
        own = OWN_PAGES.get((url.model, url.page))
        return own or (MODEL_PAGES.get(url.page) if url.model in MODELS else None)
    return BY_NAME.get(url.name) or BY_ROUTE.get(url.route)


# What staff with Customize Application alone get from the pages of a model: the answer to GET of list, add, change,
# delete and history. A case that they may not see is not there (Django's admin then leads to its first page).
CONFIGURATION = {"": 200, "add/": 200, "change/": 200, "delete/": 200, "history/": 200}
READ_ONLY = CONFIGURATION | {"add/": 403, "delete/": 403}
OF_HIDDEN_CASE = READ_ONLY | {"change/": 302, "history/": 302}
CLOSED = dict.fromkeys(CONFIGURATION, 403)
FOR_CONFIGURERS: dict[str, dict[str, int]] = {
    "routing.routingaddress": CONFIGURATION,
    "routing.connection": CONFIGURATION,
    "routing.permissionset": CONFIGURATION,
    "routing.queue": CONFIGURATION,
    "routing.assignmentrule": CONFIGURATION,
    "routing.routingflow": CONFIGURATION,
    "routing.skill": CONFIGURATION,
    "routing.reppresence": CONFIGURATION,
    "routing.businesshours": CONFIGURATION,
    "routing.recordtype": CONFIGURATION,
    "routing.servicelevel": CONFIGURATION,
    "routing.emailtemplate": CONFIGURATION,
    "routing.quicktext": CONFIGURATION,
    "cases.casestatus": CONFIGURATION,
    "cases.tag": CONFIGURATION,
    "cases.casefield": CONFIGURATION | {"delete/": 403},
    "routing.emailtocasesettings": READ_ONLY | {"": 302},  # one row: the list is its page
    "routing.auditevent": READ_ONLY,
    "auth.user": READ_ONLY,
    "auth.group": CLOSED,
    "axes.accessattempt": CLOSED,
    "cases.contact": CLOSED,
    # The work on mail that came in and goes out.
    "cases.inboundemail": READ_ONLY,
    "cases.hookrun": READ_ONLY,
    "cases.looptest": READ_ONLY,
    "cases.outbox": READ_ONLY,
    "cases.pendingrouting": READ_ONLY,
    "cases.refusedcall": READ_ONLY,
    "cases.senddecision": READ_ONLY,
    "cases.trackingrequest": READ_ONLY,
    # What happens on cases is for those who may see the case.
    "cases.attachment": OF_HIDDEN_CASE,
    "cases.case": OF_HIDDEN_CASE,
    "cases.casecomment": OF_HIDDEN_CASE,
    "cases.caseevent": OF_HIDDEN_CASE,
    "cases.casetask": OF_HIDDEN_CASE,
    "cases.emailmessage": OF_HIDDEN_CASE,
    "cases.routingdecision": OF_HIDDEN_CASE,
}
