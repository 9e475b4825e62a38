"""Log lines as JSON, one object each, for whoever collects them (E2C_LOG_FORMAT=json)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonLine(logging.Formatter):
    """at (UTC), level, logger, message, and traceback or null. ASCII alone, so that no locale breaks a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
                "traceback": self.formatException(record.exc_info) if record.exc_info else None,
            }
        )
