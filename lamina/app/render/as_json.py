"""Reports as JSON."""

import json
from typing import Any


def as_json(report: Any) -> str:
    """Return JSON types as one line of JSON."""
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    if any("\ud800" <= c <= "\udfff" for c in text):  # a file name that is not UTF-8
        text = json.dumps(report, allow_nan=False)
    return text
