"""Site code that hears of mail: typed events, after the commit, at least once, never lost.

A mail is one of two events: `case_opened` for the one that opens a case, `email_added` for every one after it. A hook
says which of them it hears, so no automation has to find out whether a mail is a case's first:

    from cases.hooks import HookEvent, on_case_opened, on_email_added

    @on_email_added
    def tell_the_warehouse(event: HookEvent) -> None: ...

The dotted paths of hooks stand in E2C_HOOKS. Each gets a HookRun in the transaction of the event and is called until
it returns: after a worker that died, and after an exception with a growing pause, MOST_ATTEMPTS times. It may
therefore be called more than once for an event; `event.key` stays the same. Within a case_opened hook nothing can give
the case another owner: the first routing decision belongs to the routing address.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string

from cases.assignment import first_owner_is_final
from cases.claims import LONGEST_ERROR, LostLease, claim, claimed_rows, prove, release_for_retry, retry_at
from cases.models import Case, CaseEvent, EmailMessage, HookRun

__all__ = ["HookEvent", "load_hook", "on_case_opened", "on_email_added", "queue_hooks", "run_due_hooks"]

logger = logging.getLogger(__name__)

State = HookRun.State
BATCH = 10
MOST_ATTEMPTS = 10  # with cases.claims.back_off: about five hours
HEARD = (CaseEvent.Kind.CASE_OPENED, CaseEvent.Kind.EMAIL_ADDED)


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What a hook is told. `key` is the same at every attempt; `case` and `email_message` are read anew for each."""

    key: str
    kind: str  # case_opened or email_added
    case: Case
    email_message: EmailMessage | None
    because: str
    at: datetime
    attempt: int


Hook = Callable[[HookEvent], object]


def on_case_opened(hook: Hook) -> Hook:
    """Mark a hook that hears the mail that opens a case, and no other."""
    hook.hears = CaseEvent.Kind.CASE_OPENED  # type: ignore[attr-defined]
    return hook


def on_email_added(hook: Hook) -> Hook:
    """Mark a hook that hears every mail that joins an existing case, and never its first one."""
    hook.hears = CaseEvent.Kind.EMAIL_ADDED  # type: ignore[attr-defined]
    return hook


@lru_cache(maxsize=64)
def load_hook(path: str) -> Hook:
    """The hook at a dotted path. Raises ImproperlyConfigured, which names the path and what is wrong with it."""
    try:
        hook = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"E2C_HOOKS: {path} cannot be imported: {error}") from error
    if getattr(hook, "hears", None) not in HEARD:
        raise ImproperlyConfigured(
            f"E2C_HOOKS: {path} does not say what it hears; put @on_case_opened or @on_email_added above it."
        )
    return hook


def _hears(path: str, kind: str) -> bool:
    """A hook that cannot be loaded now is told of everything: what it did not want is dropped when it is called."""
    try:
        return load_hook(path).hears == kind  # type: ignore[attr-defined]
    except ImproperlyConfigured:
        return kind in HEARD


def queue_hooks(events: Iterable[CaseEvent]) -> None:
    """In the transaction of the events. Costs nothing without hooks, else one statement."""
    if not settings.E2C_HOOKS:
        return
    HookRun.objects.bulk_create(
        HookRun(event=event, hook=path) for event in events for path in settings.E2C_HOOKS if _hears(path, event.kind)
    )


def run_due_hooks(*, limit: int = BATCH, guarded: bool = True) -> int:
    """Claim up to `limit` waiting runs and call their hooks. Returns how many were claimed. Not in a transaction.

    `guarded`: each hook runs in a thread of its own and is given up after E2C_HOOK_SECONDS, so that one that hangs
    stops nobody else; its attempt counts as failed.
    """
    token = claim(
        HookRun.objects.all(),
        limit=limit,
        lease=timedelta(seconds=settings.E2C_HOOK_SECONDS * (limit + 1) + 10),
        waiting_state=State.WAITING,
        claiming_state=State.RUNNING,
        age_field="created_at",
    )
    rows = claimed_rows(
        HookRun.objects.select_related("event__case", "event__email_message"), token, state=State.RUNNING
    )
    for run in rows:
        try:
            _run(run, guarded=guarded)
        except LostLease:
            logger.info("hook run %s: the claim was lost, another worker has it", run.pk)
    return len(rows)


def _run(run: HookRun, *, guarded: bool) -> None:
    if run.hook not in settings.E2C_HOOKS:
        prove(run, state=State.FAILED, lease_until=None, last_error=f"{run.hook} is not in E2C_HOOKS any more.")
        return
    event = HookEvent(
        key=f"hook:{run.pk}",
        kind=run.event.kind,
        case=run.event.case,
        email_message=run.event.email_message,
        because=run.event.because,
        at=run.event.at,
        attempt=run.attempts,
    )
    call = partial(_call, run.hook, event)
    try:
        _within_time(call) if guarded else call()
    except Exception as error:  # noqa: BLE001 - site code raises what it likes; recorded on the row and tried again
        _note_failure(run, error)
        return
    prove(run, state=State.DONE, lease_until=None, last_error="", done_at=timezone.now())


def _call(path: str, event: HookEvent) -> None:
    hook = load_hook(path)
    if not _hears(path, event.kind):
        return
    is_opening = event.kind == CaseEvent.Kind.CASE_OPENED
    with first_owner_is_final() if is_opening else nullcontext():
        hook(event)


def _within_time(call: Callable[[], None]) -> None:
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hook")

    def in_thread() -> None:
        try:
            call()
        finally:
            connections.close_all()

    try:
        pool.submit(in_thread).result(timeout=settings.E2C_HOOK_SECONDS)
    except TookTooLong:
        raise TimeoutError(f"It had not returned after {settings.E2C_HOOK_SECONDS} seconds.") from None
    finally:
        pool.shutdown(wait=False)


def _note_failure(run: HookRun, error: Exception) -> None:
    words = "".join(traceback.format_exception(error, limit=-6))[-LONGEST_ERROR:]
    logger.warning("hook %s failed at attempt %s: %s", run.hook, run.attempts, type(error).__name__)
    if run.attempts >= MOST_ATTEMPTS:
        prove(run, state=State.FAILED, lease_until=None, last_error=words)
        return
    release_for_retry(
        run,
        waiting_state=State.WAITING,
        not_before=retry_at(run.attempts, now=timezone.now()),
        last_error=words,
    )
