"""What may not stand in a log line, whatever library writes it."""

from __future__ import annotations

import logging
import re

# Whoever has one of these paths can verify an address, or answer for a customer; Django logs the path of every request
# that it refuses.
SECRET_PATH = re.compile(r"/(verify|feedback)/[^\s/\"']+")

# What these write at DEBUG are bodies, headers with keys, and statements with their values: never in our log.
QUIET_LIBRARIES = ("aiosmtpd", "boto3", "botocore", "django.db.backends", "s3transfer", "urllib3")
# At INFO, aiosmtpd writes whole lines of the dialogue.
SILENT_LIBRARIES = ("mail.log",)


class HideSecretLinks(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if "/verify/" in line or "/feedback/" in line:
            record.msg, record.args = SECRET_PATH.sub(r"/\1/[hidden]", line), ()
        return True
