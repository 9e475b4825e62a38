"""The page of a connection with what the outgoing mail adds to it: a test mail, and mail that waits for it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext, ngettext

from cases.outbound.test_mails import CannotSendTestMail, queue_test_mail
from cases.outbound.ways_out import release
from routing.admin.access import signed_in
from routing.admin.connections import ConnectionAdmin
from routing.models import Connection


@admin.register(Connection)
class ConnectionWithMailAdmin(ConnectionAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test_mail_view)
        return [path("<path:object_id>/test-mail/", view, name="routing_connection_test_mail"), *super().get_urls()]

    def test_mail_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Queue a mail to the person who asks, on the way that every mail takes."""
        connection = self.posted_connection(request, object_id)
        if isinstance(connection, HttpResponse):
            return connection
        try:
            mail = queue_test_mail(connection, by=signed_in(request))
        except CannotSendTestMail as refusal:
            messages.error(request, str(refusal))
        else:
            words = gettext("A test mail to %(recipient)s is in the outgoing mail.")
            messages.success(request, words % {"recipient": mail.recipient})
        return self.back_to(connection)

    def mended(self, request: HttpRequest, connection: Connection) -> None:
        if count := release(connection):
            words = ngettext("%(count)s mail that waited leaves now.", "%(count)s mails that waited leave now.", count)
            messages.info(request, words % {"count": count})
