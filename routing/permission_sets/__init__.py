"""Who may send from which routing address, and why.

grants      which sets grant which addresses, and to which members: rows, in force or not
questions   who may send, and why
changes     of sets, members and grants; the only caller of guardian

A grant counts on one path alone: an active permission set grants the address to its group, and the user is a member of
the set (not expired) and of the group. Grants to a user, permissions for all addresses and superuser status never
count: `user.has_perm` is not asked.
"""

from routing.permission_sets.changes import (
    add_member,
    change_permission_set,
    create_permission_set,
    delete_permission_set,
    expire_member,
    grant,
    remove_member,
    revoke,
    set_addresses_of,
    set_permission_sets_of,
)
from routing.permission_sets.grants import (
    SEND_CODENAME,
    addresses_granted_by,
    memberships_in_groups,
    permission_sets_granting,
    sending_grants,
)
from routing.permission_sets.questions import (
    REPLY_PERMISSION,
    Sender,
    addresses_without_senders,
    counting_memberships,
    explain_addresses,
    granted_addresses,
    holders_of,
    may_send_from,
    sendable_addresses,
    who_can_send,
)

__all__ = [
    "REPLY_PERMISSION",
    "SEND_CODENAME",
    "Sender",
    "add_member",
    "addresses_granted_by",
    "addresses_without_senders",
    "change_permission_set",
    "counting_memberships",
    "create_permission_set",
    "delete_permission_set",
    "expire_member",
    "explain_addresses",
    "grant",
    "granted_addresses",
    "holders_of",
    "may_send_from",
    "memberships_in_groups",
    "permission_sets_granting",
    "remove_member",
    "revoke",
    "sendable_addresses",
    "sending_grants",
    "set_addresses_of",
    "set_permission_sets_of",
    "who_can_send",
]
