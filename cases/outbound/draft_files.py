"""Files of a draft: stored when they are chosen, with the limits of a mail, released with the draft."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from cases import blobs
from cases.file_names import safe_file_name
from cases.file_types import detect_type
from cases.models import Draft, DraftFile
from cases.outbound.composed import CannotReply, NewAttachment
from cases.outbound.composing import one_line
from cases.outbound.drafts import DraftGone
from cases.outbound.forwarding import SHOWN_TYPES, new_content_id
from cases.outbound.reply_rows import MOST_ATTACHED_BYTES, MOST_ATTACHMENTS
from cases.selectors.drafts import own_drafts

__all__ = ["add_files", "remove_file"]

MOST_PICTURES = 50  # in the text of one mail


def add_files(draft_id: int, *, author: User, files: Sequence[NewAttachment], inline: bool) -> list[DraftFile]:
    """Add files to the author's draft; `inline`: pictures for its text. Raises DraftGone, and CannotReply for what no
    mail can carry: then none of them is added.
    """
    if not own_drafts(author).filter(pk=draft_id).exists():
        raise DraftGone(_("This draft was sent or discarded."))
    types = [detect_type(file.content, file.file_name, file.content_type)[:127] for file in files]
    if inline and not SHOWN_TYPES.issuperset(types):
        raise CannotReply(_("Pictures in the text are PNG, JPEG, GIF or WebP."), field="attachments")
    stored = blobs.put_many(file.content for file in files)
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(pk=draft_id, author=author).first()
        if draft is None:
            raise DraftGone(_("This draft was sent or discarded."))
        _check_room(draft, files, inline=inline)
        return [
            DraftFile.objects.create(
                draft=draft,
                blob=stored[hashlib.sha256(file.content).hexdigest()],
                file_name=one_line(safe_file_name(file.file_name, "picture" if inline else "attachment"), limit=150),
                declared_type=one_line(file.content_type, limit=127),
                content_type=content_type,
                inline=inline,
                content_id=new_content_id() if inline else "",
            )
            for file, content_type in zip(files, types, strict=True)
        ]


def remove_file(draft_id: int, file_id: int, *, author: User) -> bool:
    """Whether there was such a file."""
    removed, _by_model = DraftFile.objects.filter(pk=file_id, draft=draft_id, draft__author=author).delete()
    return bool(removed)


def _check_room(draft: Draft, files: Sequence[NewAttachment], *, inline: bool) -> None:
    there = list(draft.files.values_list("inline", "blob__size"))
    count = sum(1 for is_inline, _size in there if is_inline == inline) + len(files)
    if count > (MOST_PICTURES if inline else MOST_ATTACHMENTS):
        words = (
            _("At most %(most)d pictures stand in one mail.")
            if inline
            else _("At most %(most)d files go with one mail.")
        )
        raise CannotReply(words % {"most": MOST_PICTURES if inline else MOST_ATTACHMENTS}, field="attachments")
    if sum(size for _inline, size in there) + sum(len(file.content) for file in files) > MOST_ATTACHED_BYTES:
        words = _("All files of a mail together may have %(most)d MB.")
        raise CannotReply(words % {"most": MOST_ATTACHED_BYTES // (1024 * 1024)}, field="attachments")
