"""What a rep does to a case: POST /cases/<number>/act/<action>/. Each action is one function: form -> use case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.acting import CannotChange, NotAllowed
from cases.case_fields import set_field
from cases.case_tasks import add_task, assign_task, set_task_done
from cases.customers import choose_contact, correct_customer, create_contact
from cases.editing import (
    change_priority,
    change_record_type,
    change_status,
    change_subject,
    close_case,
    reopen_case,
)
from cases.linking import link_cases, unlink_cases
from cases.merging import merge_case, unmerge_case
from cases.models import Case, CaseStatus, CaseTask, Tag
from cases.moving import move_messages, split_messages
from cases.ownership import assign_to_queue, assign_to_user, take_case
from cases.selectors.conversation import find_visible_case
from cases.selectors.visible import visible_cases
from cases.snoozing import preset_moment, snooze, wake
from cases.tags import add_tag, remove_tag
from cases.views.answers import Done, done, refused, visible_case
from cases.views.case_forms import form_context, key_of, number_of
from routing.models import Queue, RecordType

Action = Callable[[Case, User, QueryDict], Done]


@require_POST
@login_required
def act(request: HttpRequest, number: int, action: str) -> HttpResponse:
    user, case, work = request.user, visible_case(request, number), ACTIONS.get(action)
    if work is None or not isinstance(user, User):
        raise Http404
    try:
        result = work(case, user, request.POST)
    except (CannotChange, NotAllowed) as refusal:
        case = find_visible_case(user, number) or case
        form = FORM_OF.get(action, action)
        context = form_context(form, case, user, request.POST) if request.POST.get("form") else None
        return refused(request, case, refusal, action=form, context=context)
    return done(request, case, result)


# --- owner ---


def take(case: Case, user: User, typed: QueryDict) -> Done:
    event = take_case(case=case, by=user, expected_version=_version(typed))
    return Done(_("The case is yours."), event, may_undo=True)


def assign(case: Case, user: User, typed: QueryDict) -> Done:
    kind, _colon, key = typed.get("owner", "").partition(":")
    version, because = _version(typed), typed.get("because", "")
    colleague = User.objects.filter(pk=key_of(key)).first() if kind == "user" else None
    queue = Queue.objects.filter(pk=key_of(key)).first() if kind == "queue" else None
    if colleague is not None:
        event = assign_to_user(case=case, user=colleague, by=user, expected_version=version, because=because)
    elif queue is not None:
        event = assign_to_queue(case=case, queue=queue, by=user, expected_version=version, because=because)
    else:
        raise CannotChange(_("Choose who shall own the case."), field="owner")
    name = (colleague.get_full_name() or colleague.get_username()) if colleague is not None else str(queue)
    still_there = visible_cases(user).filter(pk=case.pk).exists()
    # Who cannot see the case any more could not take it back either.
    words = _("The case went to %(owner)s.") % {"owner": name}
    return Done(words, event, may_undo=still_there, go_to="" if still_there else reverse("case_list"))


# --- the case itself ---


def set_status(case: Case, user: User, typed: QueryDict) -> Done:
    status = CaseStatus.objects.filter(pk=key_of(typed.get("status", ""))).first()
    if status is None:
        raise CannotChange(_("There is no such status."), field="status")
    event = change_status(case=case, status=status, by=user, seen=typed.get("seen"))
    return Done(_("Status: %(status)s") % {"status": status.label}, event, may_undo=True)


def close(case: Case, user: User, typed: QueryDict) -> Done:
    keep_draft = {"keep": True, "discard": False}.get(typed.get("draft", ""))
    event = close_case(case=case, by=user, keep_draft=keep_draft, seen=typed.get("seen"))
    return Done(_("The case is closed."), event, may_undo=True)


def reopen(case: Case, user: User, typed: QueryDict) -> Done:
    return Done(_("The case is open again."), reopen_case(case=case, by=user), may_undo=True)


def set_priority(case: Case, user: User, typed: QueryDict) -> Done:
    event = change_priority(case=case, priority=typed.get("priority", ""), by=user, seen=typed.get("seen"))
    return Done(_("The priority was changed."), event, may_undo=True)


def set_type(case: Case, user: User, typed: QueryDict) -> Done:
    record_type = RecordType.objects.filter(pk=key_of(typed.get("type", ""))).first()
    if record_type is None:
        raise CannotChange(_("There is no such type."), field="type")
    event = change_record_type(case=case, record_type=record_type, by=user, seen=typed.get("seen"))
    return Done(_("Type: %(name)s") % {"name": record_type.name}, event, may_undo=True)


def set_subject(case: Case, user: User, typed: QueryDict) -> Done:
    event = change_subject(case=case, subject=typed.get("subject", ""), by=user, seen=typed.get("seen"))
    return Done(_("The subject was changed."), event, may_undo=True)


def set_custom_field(case: Case, user: User, typed: QueryDict) -> Done:
    event = set_field(
        case=case, slug=typed.get("slug", ""), text=typed.get("value", ""), by=user, seen=typed.get("seen")
    )
    return Done(_("Saved."), event)


def tag(case: Case, user: User, typed: QueryDict) -> Done:
    event = add_tag(case=case, name=typed.get("tag", ""), by=user)
    return Done(_("The tag was added."), event, may_undo=True)


def untag(case: Case, user: User, typed: QueryDict) -> Done:
    found = Tag.objects.filter(pk=key_of(typed.get("tag", ""))).first()
    event = remove_tag(case=case, tag=found, by=user) if found is not None else None
    return Done(_("The tag was removed."), event, may_undo=True)


# --- snooze ---


def put_aside(case: Case, user: User, typed: QueryDict) -> Done:
    now, zone = timezone.now(), _zone(typed.get("zone", ""))
    preset = typed.get("preset", "")
    until = preset_moment(preset, now=now, zone=zone) if preset else _moment(typed.get("until", ""), zone)
    event = snooze(case=case, until=until, by=user, now=now)
    local = until.astimezone(zone)
    return Done(_("Snoozed until %(moment)s.") % {"moment": date_format(local, "D j M, H:i")}, event, may_undo=True)


def bring_back(case: Case, user: User, typed: QueryDict) -> Done:
    return Done(_("The case is back."), wake(case=case, by=user), may_undo=True)


def _zone(name: str) -> tzinfo:
    """The zone of the person, as their browser says; else that of the instance."""
    try:
        return ZoneInfo(name[:60]) if name else timezone.get_current_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_current_timezone()


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CannotChange(_("Choose until when."), field="until") from error
    return at if at.tzinfo else at.replace(tzinfo=zone)


# --- other cases ---


def merge(case: Case, user: User, typed: QueryDict) -> Done:
    target = merge_case(case=case, into=_other(user, typed), by=user)
    words = _("%(number)s was merged into this case.") % {"number": case.number_text}
    return Done(words, go_to=reverse("case", kwargs={"number": target.number}))


def unmerge(case: Case, user: User, typed: QueryDict) -> Done:
    unmerge_case(case=case, by=user)
    return Done(_("The case is on its own again."), go_to=reverse("case", kwargs={"number": case.number}))


def link(case: Case, user: User, typed: QueryDict) -> Done:
    return Done(_("The cases are linked."), link_cases(case=case, other=_other(user, typed), by=user))


def unlink(case: Case, user: User, typed: QueryDict) -> Done:
    return Done(_("The link was removed."), unlink_cases(case=case, other=_other(user, typed), by=user))


def move(case: Case, user: User, typed: QueryDict) -> Done:
    keys = [key_of(text) for text in typed.getlist("messages")]
    if typed.get("target") == "new":
        target = split_messages(case=case, message_ids=keys, by=user)
    else:
        target = move_messages(case=case, message_ids=keys, into=_other(user, typed), by=user)
    words = _("Moved here from %(number)s.") % {"number": case.number_text}
    return Done(words, go_to=reverse("case", kwargs={"number": target.number}))


def _other(user: User, typed: QueryDict) -> Case:
    """A case that is not theirs is said not to exist, whatever was typed."""
    number = number_of(typed.get("other", ""))
    found = find_visible_case(user, number) if number else None
    if found is None:
        raise CannotChange(_("There is no such case."), field="other")
    return found


# --- customer and tasks ---


def contact(case: Case, user: User, typed: QueryDict) -> Done:
    event = choose_contact(case=case, contact_id=key_of(typed.get("contact", "")), by=user)
    return Done(_("The contact was chosen."), event)


def new_contact(case: Case, user: User, typed: QueryDict) -> Done:
    made = create_contact(case=case, name=typed.get("name", ""), company=typed.get("company", ""), by=user)
    return Done(_("%(name)s is a contact now.") % {"name": made.name})


def customer(case: Case, user: User, typed: QueryDict) -> Done:
    event = correct_customer(case=case, address=typed.get("address", ""), name=typed.get("name", ""), by=user)
    return Done(_("The customer was corrected."), event)


def task(case: Case, user: User, typed: QueryDict) -> Done:
    owner = user if typed.get("mine") else None
    add_task(case=case, subject=typed.get("task", ""), by=user, owner=owner, due=_day(typed.get("due", "")))
    return Done(_("The task was added."))


def _day(text: str) -> date | None:
    """A day as <input type=date> sends it; none for nothing. Raises CannotChange."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CannotChange(_("Write the day as 2030-12-25."), field="task") from None


def task_done(case: Case, user: User, typed: QueryDict) -> Done:
    changed = set_task_done(task=_task(case, typed), done=typed.get("done") == "1", by=user)
    return Done(_("The task is done.") if changed.completed_at else _("The task is open again."))


def task_owner(case: Case, user: User, typed: QueryDict) -> Done:
    key = key_of(typed.get("owner", ""))
    owner = User.objects.filter(pk=key).first() if key else None
    assign_task(task=_task(case, typed), owner=owner, by=user)
    return Done(_("The task has another owner.") if owner else _("The task is nobody's now."))


def _task(case: Case, typed: QueryDict) -> CaseTask:
    found = CaseTask.objects.filter(case=case, pk=key_of(typed.get("task", ""))).select_related("case").first()
    if found is None:
        raise CannotChange(_("The task is not on this case any more."))
    return found


def _version(typed: QueryDict) -> int | None:
    return key_of(typed.get("version", "")) if typed.get("version") else None


ACTIONS: dict[str, Action] = {
    "take": take,
    "assign": assign,
    "status": set_status,
    "close": close,
    "reopen": reopen,
    "priority": set_priority,
    "type": set_type,
    "subject": set_subject,
    "field": set_custom_field,
    "tag": tag,
    "untag": untag,
    "snooze": put_aside,
    "wake": bring_back,
    "merge": merge,
    "unmerge": unmerge,
    "link": link,
    "unlink": unlink,
    "move": move,
    "contact": contact,
    "new-contact": new_contact,
    "customer": customer,
    "task": task,
    "task-done": task_done,
    "task-owner": task_owner,
}
# The form in which an action stands, where that has another name.
FORM_OF = {"contact": "customer", "new-contact": "customer"}
