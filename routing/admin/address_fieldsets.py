"""The fields on the page of a routing address: in which groups, and which of them only with another one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

FIELDSETS: list[tuple[Any, dict[str, Any]]] = [
    (
        _("Identity"),
        {
            "description": _("The address your customers know, and how the team calls it."),
            "fields": ["routing_name", "email_address", "is_active", "priority_order"],
        },
    ),
    (
        _("Email"),
        {
            "description": _("Who may write to the address, who may send from it, and what such mail looks like."),
            "fields": [
                "controlled_by_permission_set",
                "permission_sets_to_grant",
                "connection",
                "display_name",
                "signature",
                "signed_reply_to",
                "language",
                "accept_email_from",
                "block_email_from",
                "unwrap_forwards_from",
                "save_email_headers",
            ],
        },
    ),
    (
        _("Automatic answer"),
        {
            "description": _(
                "One fixed text to a person who writes, so that they know it arrived. Never to machines, lists or "
                "senders whom their domain does not confirm."
            ),
            "fields": [
                "auto_response_policy",
                "auto_response_template",
                "auto_response_hours",
                "auto_response_hourly_limit",
            ],
        },
    ),
    (
        _("Question after closing"),
        {
            "description": _(
                "How it went, asked once a case: only customers whose domain confirms their mail and who got a "
                "reply. They answer on a page, without an account."
            ),
            "fields": [
                "asks_satisfaction",
                "satisfaction_template",
                "satisfaction_hours",
                "satisfaction_window_days",
            ],
        },
    ),
    (
        _("Tasks"),
        {
            "description": _(
                "A task reminds the case owner of each new customer mail and closes when it is answered."
            ),
            "fields": ["create_task", "task_status"],
        },
    ),
    (
        _("Case"),
        {
            "description": _("What new cases from this address are stamped with, and what a late answer does."),
            "fields": ["case_record_type", "case_priority", "case_origin", "closed_case_policy", "reopen_days"],
        },
    ),
    (
        _("Routing"),
        {
            "description": _(
                "Who owns a new case first. A case owner is a user or a queue; with neither, the default case "
                "owner. Rules and flows choose by what the mail says, and come back to the queue below, or to the "
                "case owner, when they name nobody."
            ),
            "fields": ["strategy", "assignment_rule", "flow", "fallback_queue", "owner_user", "owner_queue"],
        },
    ),
]

# unfold shows a field while its expression holds; the form clears what then counts no more.
CONDITIONAL_FIELDS = {
    "permission_sets_to_grant": "controlled_by_permission_set == true",
    "task_status": "create_task == true",
    "reopen_days": "closed_case_policy == 'reopen_within'",
    "auto_response_template": "auto_response_policy != 'off'",
    "auto_response_hours": "auto_response_policy != 'off'",
    "auto_response_hourly_limit": "auto_response_policy != 'off'",
    "satisfaction_template": "asks_satisfaction",
    "satisfaction_hours": "asks_satisfaction",
    "satisfaction_window_days": "asks_satisfaction",
    "assignment_rule": "strategy == 'rules'",
    "flow": "strategy == 'flow'",
    "fallback_queue": "strategy != 'owner'",
}
