from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from routing import queues
from routing.admin.access import AuditedAdmin, ConfigurationInline, signed_in
from routing.models import Queue, QueueMember


class MemberInline(ConfigurationInline):
    model = QueueMember
    autocomplete_fields = ["user"]
    ordering = ["user__username"]
    fields = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueMember]:
        return super().get_queryset(request).select_related("user", "queue")


@admin.register(Queue)
class QueueAdmin(AuditedAdmin):
    empty_words = _("A queue owns cases that no one person has yet; its members see them.")
    inlines = [MemberInline]
    list_display = ["name", "member_count", "email", "notify_members"]
    search_fields = ["name", "email"]
    ordering = ["name"]
    fieldsets = [
        (
            None,
            {
                "description": _("A group of reps that owns cases until one of them takes one."),
                "fields": ["name", "email", "notify_members"],
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        return super().get_queryset(request).annotate(members_now=Count("memberships"))

    @admin.display(description=_("members"), ordering="members_now")
    def member_count(self, queue: Queue) -> int:
        return queue.members_now  # type: ignore[attr-defined]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        person, queue = signed_in(request), form.instance
        formset.save(commit=False)
        for member in formset.deleted_objects:
            queues.remove_member(queue, member.user, by=person)
        for member, _fields in formset.changed_objects:
            former = QueueMember.objects.select_related("user").get(pk=member.pk).user
            queues.remove_member(queue, former, by=person)
            queues.add_member(queue, member.user, by=person)
        for member in formset.new_objects:
            queues.add_member(queue, member.user, by=person)
