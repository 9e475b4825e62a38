"""Sections for who works here: groups, users, queues, skills, capacity. Passwords come in when a file gives them; none
goes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User

from routing import queues
from routing.configuration.errors import ConfigurationError
from routing.configuration.fields import fields_of, read_list, read_text
from routing.configuration.importing import ImportRun, RowsSection, merge_names
from routing.models import EmailToCaseSettings, Queue, RepPresence, Skill


def permission_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def find_permissions(names: Any, where: str) -> dict[str, Permission]:
    """Permissions by `app.codename`; ConfigurationError for one that does not exist."""
    found = {}
    for index, value in enumerate(read_list(names, where)):
        place = f"{where}[{index}]"
        name = read_text(value, place)
        app_label, _dot, codename = name.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app_label, codename=codename).first()
        if permission is None:
            raise ConfigurationError(place, f'there is no permission "{name}"; an example is cases.reply_case.')
        found[name] = permission
    return found


class Groups(RowsSection):
    """Groups that hand out permissions. Those of permission sets are not among them: only their set may use them."""

    name, noun, model, key = "groups", "group", Group, "name"
    extra_keys = ("permissions",)

    def __init__(self) -> None:
        self.fields = fields_of(Group, names=["name"])

    def rows(self) -> Iterable[Group]:
        groups = Group.objects.filter(permission_set__isnull=True)
        return groups.prefetch_related("permissions__content_type")

    def show_extra(self, row: Group) -> dict[str, Any]:
        return {"permissions": sorted(permission_name(permission) for permission in row.permissions.all())}

    def merge_extra(self, row: Group, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if "permissions" in entry:
            _merge_permissions(row, row.permissions, self.noun, row.name, entry["permissions"], where, run)


class Users(RowsSection):
    """Accounts. Removing one means deactivating it: history keeps its author."""

    name, noun, model, key = "users", "user", get_user_model(), "username"
    extra_keys = ("groups", "permissions", "password", "name")

    def __init__(self) -> None:
        names = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"]
        self.fields = fields_of(User, names=names)

    def rows(self) -> Iterable[User]:
        return User.objects.prefetch_related("groups__permission_set", "user_permissions__content_type")

    def show_extra(self, row: User) -> dict[str, Any]:
        return {
            "groups": sorted(group.name for group in _own_groups(row)),
            "permissions": sorted(permission_name(permission) for permission in row.user_permissions.all()),
        }

    def new_row(self, key: str, where: str, run: ImportRun) -> User:
        user = User(username=key)
        user.set_unusable_password()
        return user

    def merge_row(self, row: User | None, key: str, entry: dict[str, Any], where: str, run: ImportRun) -> None:
        if "name" in entry:
            # For files written by hand: one name, its last word the last name.
            first_name, _blank, last_name = read_text(entry["name"], f"{where}.name").strip().rpartition(" ")
            names = {"first_name": first_name or last_name, "last_name": last_name if first_name else ""}
            entry = names | entry
        super().merge_row(row, key, entry, where, run)

    def merge_extra(self, row: User, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if "password" in entry:
            self._merge_password(row, entry["password"], f"{where}.password", run)
        if "groups" in entry:
            self._merge_groups(row, entry["groups"], f"{where}.groups", run)
        if "permissions" in entry:
            _merge_permissions(row, row.user_permissions, self.noun, row.username, entry["permissions"], where, run)

    def _merge_password(self, row: User, value: Any, where: str, run: ImportRun) -> None:
        password = read_text(value, where)
        if not password:
            raise ConfigurationError(where, "must not be empty; leave the key out to keep the password.")
        if not row.check_password(password):
            row.set_password(password)
            row.save(update_fields=["password"])
            run.changed(self.noun, row.username, "password set")

    def _merge_groups(self, row: User, value: Any, where: str, run: ImportRun) -> None:
        wanted = {}
        for index, item in enumerate(read_list(value, where)):
            group_name = read_text(item, f"{where}[{index}]")
            group = Group.objects.filter(name=group_name, permission_set__isnull=True).first()
            if group is None:
                problem = f'there is no group "{group_name}" (groups of permission sets are not named here).'
                raise ConfigurationError(f"{where}[{index}]", problem)
            wanted[group_name] = group
        now = {group.name: group for group in _own_groups(row)}
        to_add, to_remove = merge_names(
            run, noun=self.noun, key=row.username, word="group", now=set(now), wanted=list(wanted)
        )
        row.groups.add(*(wanted[name] for name in to_add))
        row.groups.remove(*(now[name] for name in to_remove))

    def remove(self, row: User, run: ImportRun) -> None:
        if row.is_active:
            row.is_active = False
            row.save(update_fields=["is_active"])
            run.removed(self.noun, row.username, "deactivated")
            if row.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exists():
                raise ConfigurationError(self.name, "no active superuser would remain.")

    def check(self, run: ImportRun) -> None:
        """Whoever owns what nobody else owns cannot leave: new cases would have no owner at all."""
        owner = EmailToCaseSettings.load().default_case_owner_user
        touched = {change.name for change in run.made if change.noun == self.noun}
        if owner is not None and not owner.is_active and owner.username in touched:
            raise ConfigurationError(self.name, f"{owner.username} is the default case owner and must stay active.")


class Queues(RowsSection):
    name, noun, model, key = "queues", "queue", Queue, "name"
    extra_keys = ("members",)

    def __init__(self) -> None:
        self.fields = fields_of(Queue)

    def rows(self) -> Iterable[Queue]:
        return Queue.objects.prefetch_related("members")

    def show_extra(self, row: Queue) -> dict[str, Any]:
        return {"members": sorted(user.username for user in row.members.all())}

    def merge_extra(self, row: Queue, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if "members" not in entry:
            return
        wanted = _find_users(entry["members"], f"{where}.members", run)
        now = {user.username: user for user in row.members.all()}
        to_add, to_remove = merge_names(
            run, noun=self.noun, key=row.name, word="member", now=set(now), wanted=list(wanted)
        )
        for username in to_add:
            queues.add_member(row, wanted[username], by=run.by)
        for username in to_remove:
            queues.remove_member(row, now[username], by=run.by)


class Skills(RowsSection):
    name, noun, model, key = "skills", "skill", Skill, "name"
    extra_keys = ("users",)

    def __init__(self) -> None:
        self.fields = fields_of(Skill, names=["name"])

    def rows(self) -> Iterable[Skill]:
        return Skill.objects.prefetch_related("users")

    def show_extra(self, row: Skill) -> dict[str, Any]:
        return {"users": sorted(user.username for user in row.users.all())}

    def merge_extra(self, row: Skill, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if "users" not in entry:
            return
        wanted = _find_users(entry["users"], f"{where}.users", run)
        now = {user.username: user for user in row.users.all()}
        to_add, to_remove = merge_names(
            run, noun=self.noun, key=row.name, word="user", now=set(now), wanted=list(wanted)
        )
        row.users.add(*(wanted[username] for username in to_add))
        row.users.remove(*(now[username] for username in to_remove))


class RepCapacity(RowsSection):
    """Who is given cases by flows, and how many at a time. Whether they are there now is theirs to say, and no
    configuration: a new rep begins offline.
    """

    name, noun, model, key = "rep_capacity", "capacity of rep", RepPresence, "user"

    def __init__(self) -> None:
        self.fields = fields_of(RepPresence, names=["capacity"])

    def rows(self) -> Iterable[RepPresence]:
        return RepPresence.objects.select_related("user")

    def name_of(self, row: RepPresence) -> str:
        return row.user.username

    def new_row(self, key: str, where: str, run: ImportRun) -> RepPresence:
        return RepPresence(user=run.references.find(User, key, f"{where}.user"))


def _find_users(names: Any, where: str, run: ImportRun) -> dict[str, User]:
    """Users by name; ConfigurationError for one who does not exist."""
    found = {}
    for index, value in enumerate(read_list(names, where)):
        place = f"{where}[{index}]"
        user = run.references.find(User, read_text(value, place), place)
        found[user.username] = user
    return found


def _own_groups(user: User) -> list[Group]:
    return [group for group in user.groups.all() if not hasattr(group, "permission_set")]


def _merge_permissions(
    row: Group | User, manager: Any, noun: str, key: str, value: Any, where: str, run: ImportRun
) -> None:
    wanted = find_permissions(value, f"{where}.permissions")
    now = {permission_name(permission): permission for permission in manager.select_related("content_type")}
    to_add, to_remove = merge_names(run, noun=noun, key=key, word="permission", now=set(now), wanted=list(wanted))
    manager.add(*(wanted[name] for name in to_add))
    manager.remove(*(now[name] for name in to_remove))
