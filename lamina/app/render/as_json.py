"""Reports as JSON."""

import datetime
import json
from typing import Any


def as_json(report: Any) -> str:
    """Return JSON types as one line of JSON."""
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, default=_text)
    if any("\ud800" <= c <= "\udfff" for c in text):  # a file name that is not UTF-8
        text = json.dumps(report, allow_nan=False, default=_text)
    return text


def _text(value: Any) -> str:
    """Return a date or a time in ISO 8601."""
    if isinstance(value, datetime.date):  # includes datetime
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a JSON type")
