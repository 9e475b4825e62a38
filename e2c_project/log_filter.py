"""What may not stand in a log line, whatever library writes it."""

from __future__ import annotations

import logging
import re

# Whoever has this path can verify an address; Django logs the path of every request that it refuses.
VERIFICATION_PATH = re.compile(r"/verify/[^\s/\"']+")

# What these write at DEBUG are bodies, headers with keys, and statements with their values: never in our log.
QUIET_LIBRARIES = ("aiosmtpd", "boto3", "botocore", "django.db.backends", "s3transfer", "urllib3")
# At INFO, aiosmtpd writes whole lines of the dialogue.
SILENT_LIBRARIES = ("mail.log",)


class HideVerificationLinks(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if "/verify/" in line:
            record.msg, record.args = VERIFICATION_PATH.sub("/verify/[hidden]", line), ()
        return True
