"""The back office of the routing application. Pages parse, call a use case and answer; a module is one part of it."""

from routing.admin import (
    addresses,
    assignment_rules,
    audit_events,
    business_hours,
    flows,
    groups,
    permission_sets,
    queues,
    record_types,
    service_levels,
    settings_page,
    sign_ins,
    users,
)

__all__ = [
    "addresses",
    "assignment_rules",
    "audit_events",
    "business_hours",
    "flows",
    "groups",
    "permission_sets",
    "queues",
    "record_types",
    "service_levels",
    "settings_page",
    "sign_ins",
    "users",
]
