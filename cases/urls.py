"""Pages for reps. Included at the root of the site: the names are used without a namespace."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter

from cases.views import (
    approvals,
    bulk,
    case_actions,
    case_files,
    case_forms,
    case_list,
    case_page,
    compose_data,
    console,
    drafts,
    files,
    invitations,
    login,
    mail,
    mail_parts,
    notes,
    notifications,
    outgoing,
    panel,
    possible_case,
    presence,
    reply,
    satisfaction,
    saved_views,
    warnings,
)


class CaseNumber:
    """As shown, with its zeros (00001234), or without them. Twelve digits at most: a longer one is no case."""

    regex = "[0-9]{1,12}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return f"{value:08d}"


class RowKey(CaseNumber):
    regex = "[0-9]{1,18}"  # fits a 64-bit key: a longer one would be an error of the database

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(CaseNumber, "case_number")
register_converter(RowKey, "key")

urlpatterns = [
    path("", case_list.home, name="home"),
    path("feedback/<str:token>/", satisfaction.feedback, name="satisfaction"),
    path("login/", login.RepLoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("cases/", case_list.case_list, name="case_list"),
    path("cases/views/", console.views_pane, name="case_views"),
    path("cases/counts/", console.counts, name="case_counts"),
    path("cases/own-presence/", console.own_presence, name="own_presence"),
    path("cases/new/", reply.new_mail, name="new_mail"),
    path("cases/new/warnings/", warnings.warnings_of_new, name="new_mail_warnings"),
    path("cases/new/templates/<key:template_id>/", compose_data.template_of_new, name="new_mail_template"),
    path("cases/new/quick-texts/", compose_data.quick_texts_of_new, name="new_mail_quick_texts"),
    path("cases/people/", compose_data.people, name="people"),
    path("cases/approvals/", approvals.approvals, name="approvals"),
    path("cases/notifications/", notifications.notifications, name="notifications"),
    path("cases/notifications/read/", notifications.read, name="notifications_read"),
    path("cases/notifications/unread/", notifications.unread, name="notifications_unread"),
    path("cases/notifications/settings/", notifications.choices, name="notification_choices"),
    path("drafts/", drafts.drafts, name="drafts"),
    path("drafts/new/", drafts.create, name="draft_create"),
    path("drafts/<key:draft_id>/", drafts.save, name="draft_save"),
    path("drafts/<key:draft_id>/discard/", drafts.discard_draft, name="draft_discard"),
    path("drafts/<key:draft_id>/files/", drafts.upload, name="draft_upload"),
    path("drafts/<key:draft_id>/files/<key:file_id>/", drafts.file, name="draft_file"),
    path("drafts/<key:draft_id>/files/<key:file_id>/remove/", drafts.remove, name="draft_file_remove"),
    path("cases/filters/", case_list.filters, name="case_filters"),
    path("cases/newer/", case_list.newer, name="case_list_newer"),
    path("cases/bulk/choices/", case_list.bulk_choices, name="bulk_choices"),
    path("cases/saved-views/", saved_views.create, name="saved_views"),
    path("cases/saved-views/<key:view_id>/", saved_views.change, name="saved_view"),
    path("cases/saved-views/<key:view_id>/delete/", saved_views.delete, name="saved_view_delete"),
    path("cases/<case_number:number>/", case_page.case_page, name="case"),
    path("cases/<case_number:number>/earlier/", case_page.earlier_mail, name="case_earlier"),
    path("cases/<case_number:number>/newer/", case_page.newer_mail, name="case_newer"),
    path("cases/<case_number:number>/files/", case_files.case_files, name="case_files"),
    path("cases/<case_number:number>/join/", possible_case.join, name="case_join"),
    path("cases/<case_number:number>/keep-apart/", possible_case.keep_apart, name="case_keep_apart"),
    path("cases/<case_number:number>/head/", panel.head, name="case_head"),
    path("cases/<case_number:number>/panel/", panel.panel, name="case_panel"),
    path("cases/<case_number:number>/earlier-cases/", panel.earlier_cases, name="case_earlier_cases"),
    path("cases/<case_number:number>/why/", panel.why, name="case_why"),
    path("cases/<case_number:number>/live/", presence.live, name="case_live"),
    path("cases/<case_number:number>/do/<slug:action>/", case_forms.case_form, name="case_form"),
    path("cases/<case_number:number>/act/<slug:action>/", case_actions.act, name="case_act"),
    path("cases/<case_number:number>/colleagues/", notes.colleagues_like, name="case_colleagues"),
    path("cases/<case_number:number>/notes/add/", notes.add, name="note_add"),
    path("cases/<case_number:number>/notes/<key:note_id>/", notes.note, name="note"),
    path("cases/<case_number:number>/notes/<key:note_id>/edit/", notes.edit, name="note_edit"),
    path("cases/bulk/", bulk.bulk, name="case_bulk"),
    path("cases/undo/", bulk.undo, name="case_undo"),
    path("cases/<case_number:number>/reply/", reply.reply, name="case_reply"),
    path("cases/<case_number:number>/compose/", reply.compose, name="case_compose"),
    path("cases/<case_number:number>/warnings/", warnings.warnings, name="case_warnings"),
    path("cases/<case_number:number>/templates/<key:template_id>/", compose_data.template, name="case_template"),
    path("cases/<case_number:number>/quick-texts/", compose_data.quick_texts, name="case_quick_texts"),
    path("cases/<case_number:number>/messages/<key:message_id>/undo/", outgoing.undo, name="reply_undo"),
    path("cases/<case_number:number>/messages/<key:message_id>/send-again/", outgoing.again, name="reply_again"),
    path("cases/<case_number:number>/messages/<key:message_id>/edit/", outgoing.edit, name="reply_edit"),
    path("cases/<case_number:number>/messages/<key:message_id>/schedule/", outgoing.schedule, name="reply_schedule"),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/approve/", approvals.approve_mail, name="reply_approve"
    ),
    path("cases/<case_number:number>/messages/<key:message_id>/reject/", approvals.reject_mail, name="reply_reject"),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/make-contact/",
        mail_parts.make_contact,
        name="make_contact",
    ),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/answer-invitation/",
        invitations.answer,
        name="answer_invitation",
    ),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/invitation/", invitations.invitation, name="invitation"
    ),
    path("cases/<case_number:number>/messages/<key:message_id>/charset/", mail_parts.charset, name="message_charset"),
    path("cases/<case_number:number>/messages/<key:message_id>/html/", mail.message_html, name="message_html"),
    path("cases/<case_number:number>/messages/<key:message_id>/text/", mail.message_text, name="message_text"),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/headers/", mail.message_headers, name="message_headers"
    ),
    path("cases/<case_number:number>/messages/<key:message_id>/raw/", files.message_raw, name="message_raw"),
    path(
        "cases/<case_number:number>/messages/<key:message_id>/inline/<key:attachment_id>/",
        files.inline_image,
        name="inline_image",
    ),
    path("cases/<case_number:number>/attachments/<key:attachment_id>/<str:name>", files.attachment, name="attachment"),
]
