"""A mail whose HTML shows pictures that it brings along (RFC 2387, RFC 2392).

Mail programs look for them beside the HTML, in one multipart/related: as plain attachments many show them twice, or as
files below the text. Providers' APIs take a list of files and want to be told which of them are pictures, so Anymail's
backends find them among the attachments all the same.
"""

from __future__ import annotations

from email.mime.base import MIMEBase
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import SafeMIMEMultipart

__all__ = ["MailWithPictures", "mark_as_picture"]


def mark_as_picture(part: MIMEBase, content_id: str) -> MIMEBase:
    """Make a file one that the HTML shows by its content id."""
    name: Any = part.get_param("filename", header="Content-Disposition")
    del part["Content-Disposition"]
    part.add_header("Content-Disposition", "inline", filename=name)
    part["Content-ID"] = f"<{content_id}>"
    return part


class MailWithPictures(EmailMultiAlternatives):
    """Django's mail, with the pictures in its attachments written beside the HTML instead of after it."""

    @property
    def pictures(self) -> list[MIMEBase]:
        return [part for part in self.attachments if isinstance(part, MIMEBase) and part["Content-ID"]]

    def _create_mime_attachment(self, content: Any, mimetype: str) -> Any:
        part = super()._create_mime_attachment(content, mimetype)  # type: ignore[misc]
        pictures = self.pictures
        if mimetype != "text/html" or not pictures:
            return part
        related = SafeMIMEMultipart(_subtype="related", encoding=self.encoding)
        related.set_param("type", "text/html")
        for each in (part, *pictures):
            related.attach(each)
        return related

    def _create_attachments(self, msg: Any) -> Any:
        everything, pictures = self.attachments, self.pictures
        self.attachments = [part for part in everything if part not in pictures]
        try:
            return super()._create_attachments(msg)  # type: ignore[misc]
        finally:
            self.attachments = everything
