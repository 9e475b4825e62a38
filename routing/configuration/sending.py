"""Sections for the addresses themselves and for permission sets, which say who may send from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from routing import permission_sets
from routing.addresses import normalise_address
from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import (
    Owner,
    fields_of,
    read_list,
    read_mapping,
    read_moment,
    read_text,
    show_moment,
    shown,
)
from routing.configuration.importing import ImportRun, RowsSection, describe_change, merge_names
from routing.connection_changes import save_connection
from routing.deletion import delete_routing_address
from routing.models import Connection, PermissionSet, RoutingAddress, RoutingAddressGrant
from routing.registration import save_routing_address
from routing.verification import mark_verified

ADDRESS_OWNER = Owner("owner", user_column="owner_user", queue_column="owner_queue")


class Connections(RowsSection):
    """Without their secrets: those are entered on the page of each, once for each instance."""

    name, noun, model, key = "connections", "connection", Connection, "name"

    def __init__(self) -> None:
        self.fields = fields_of(Connection)

    def save(self, row: Connection, where: str, run: ImportRun) -> None:
        try:
            row.full_clean()
        except ValidationError as error:
            raise configuration_error(where, error) from error
        save_connection(row, by=run.by)

    def merge_extra(self, row: Connection, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if is_new or not row.sealed_secrets:
            run.notes.append(f"connection {row.name}: enter its password or key on its page, or connect its account")


class RoutingAddresses(RowsSection):
    """Every address that was not deleted. Removing one is the soft delete: its services address is never used again.

    `services_address` is shown for people and never read: a new address gets its own, an existing one keeps its own.
    `verified: true` takes an address as verified on the file's word; any other value changes nothing.
    """

    name, noun, model, key = "routing_addresses", "routing address", RoutingAddress, "email_address"
    extra_keys = ("verified", "services_address")

    def __init__(self) -> None:
        self.fields = fields_of(RoutingAddress, owner=ADDRESS_OWNER)

    def rows(self) -> Iterable[RoutingAddress]:
        addresses = RoutingAddress.objects.not_deleted()
        return addresses.select_related(
            "case_record_type",
            "owner_user",
            "owner_queue",
            "connection",
            "auto_response_template",
            "satisfaction_template",
            "assignment_rule",
            "flow",
            "fallback_queue",
        )

    def show_extra(self, row: RoutingAddress) -> dict[str, Any]:
        return {"verified": row.is_verified, "services_address": row.services_address}

    def read_key(self, value: Any, where: str) -> str:
        text = super().read_key(value, where)
        address = normalise_address(text)
        if address is None:
            raise ConfigurationError(where, f'"{text}" is not an email address.')
        return address

    def save(self, row: RoutingAddress, where: str, run: ImportRun) -> None:
        try:
            row.full_clean()
        except ValidationError as error:
            raise configuration_error(where, error) from error
        save_routing_address(row, by=run.by)

    def merge_extra(
        self, row: RoutingAddress, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool
    ) -> None:
        verified = entry.get("verified", False)
        if not isinstance(verified, bool):
            raise ConfigurationError(f"{where}.verified", f"must be true or false, not {shown(verified)}.")
        if verified and not row.is_verified:
            mark_verified(row, by=run.by, because="the imported configuration says that it is verified")
            run.changed(self.noun, row.email_address, "verified false -> true")
        if is_new:
            run.notes.append(f"{row.email_address}: forward its mail to {row.services_address}")
        if is_new and not row.is_verified:
            run.notes.append(f"{row.email_address}: not verified yet; send the verification mail from its page")

    def remove(self, row: RoutingAddress, run: ImportRun) -> None:
        delete_routing_address(row, by=run.by)
        run.removed(self.noun, row.email_address)


class PermissionSets(RowsSection):
    name, noun, model, key = "permission_sets", "permission set", PermissionSet, "label"
    extra_keys = ("members", "addresses")

    def __init__(self) -> None:
        self.fields = fields_of(PermissionSet)
        self._granted: dict[int, list[str]] = {}

    def rows(self) -> Iterable[PermissionSet]:
        self._granted = {}
        grants = RoutingAddressGrant.objects.filter(
            permission__codename=permission_sets.SEND_CODENAME, content_object__deleted_at__isnull=True
        )
        for group_id, email_address in grants.values_list("group_id", "content_object__email_address"):
            self._granted.setdefault(group_id, []).append(email_address)
        return PermissionSet.objects.prefetch_related("memberships__user")

    def show_extra(self, row: PermissionSet) -> dict[str, Any]:
        members = {each.user.username: show_moment(each.expires_at) for each in row.memberships.all()}
        return {
            "members": [{"user": username, "expires": members[username]} for username in sorted(members)],
            "addresses": sorted(self._granted.get(row.group_id, [])),
        }

    def save(self, row: PermissionSet, where: str, run: ImportRun) -> None:
        try:
            row.full_clean(exclude=["group"])  # its own group comes with the set
        except ValidationError as error:
            raise configuration_error(where, error) from error
        if row.pk is not None:
            permission_sets.change_permission_set(row, by=run.by)
            return
        made = permission_sets.create_permission_set(
            row.label,
            by=run.by,
            description=row.description,
            is_active=row.is_active,
            requires_approval=row.requires_approval,
        )
        row.pk, row.group = made.pk, made.group
        row._state.adding = False

    def merge_extra(
        self, row: PermissionSet, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool
    ) -> None:
        if "members" in entry:
            self._merge_members(row, entry["members"], f"{where}.members", run)
        if "addresses" in entry:
            self._merge_addresses(row, entry["addresses"], f"{where}.addresses", run)

    def _merge_members(self, row: PermissionSet, value: Any, where: str, run: ImportRun) -> None:
        """Members as `{user, expires}`, or as a plain user name for one whose membership does not end."""
        now = {each.user.username: each for each in row.memberships.select_related("user")}
        wanted: dict[str, User] = {}
        for index, item in enumerate(read_list(value, where)):
            place = f"{where}[{index}]"
            member = read_mapping({"user": item} if isinstance(item, str) else item, place, ["user", "expires"])
            if "user" not in member:
                raise ConfigurationError(place, "the key user is missing.")
            user = run.references.find(User, read_text(member["user"], f"{place}.user"), f"{place}.user")
            wanted[user.username] = user
            expires_at = read_moment(member.get("expires"), f"{place}.expires")
            membership = now.get(user.username)
            if membership is None:
                ends = f" until {show_moment(expires_at)}" if expires_at else ""
                run.changed(self.noun, row.label, f"+ member {user.username}{ends}")
            elif "expires" in member and membership.expires_at != expires_at:
                change = describe_change("expires", show_moment(membership.expires_at), show_moment(expires_at))
                run.changed(self.noun, row.label, f"member {user.username}: {change}")
            else:
                continue
            permission_sets.add_member(row, user, by=run.by, expires_at=expires_at)
        if run.delete:
            for username in sorted(now.keys() - wanted.keys()):
                permission_sets.remove_member(row, now[username].user, by=run.by)
                run.changed(self.noun, row.label, f"- member {username}")

    def _merge_addresses(self, row: PermissionSet, value: Any, where: str, run: ImportRun) -> None:
        wanted = {}
        for index, item in enumerate(read_list(value, where)):
            place = f"{where}[{index}]"
            address = run.references.find(RoutingAddress, read_text(item, place), place)
            wanted[address.email_address] = address
        now = {address.email_address: address for address in permission_sets.addresses_granted_by(row)}
        to_grant, to_revoke = merge_names(
            run, noun=self.noun, key=row.label, word="address", now=set(now), wanted=list(wanted)
        )
        for email_address in to_grant:
            permission_sets.grant(row, wanted[email_address], by=run.by)
        for email_address in to_revoke:
            permission_sets.revoke(row, now[email_address], by=run.by)

    def remove(self, row: PermissionSet, run: ImportRun) -> None:
        permission_sets.delete_permission_set(row, by=run.by)
        run.removed(self.noun, row.label)
