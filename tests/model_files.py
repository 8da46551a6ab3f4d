"""What a model file says of an estimator, to be changed and read again."""

import json
from typing import Any

from sklearn.base import BaseEstimator

from lamina.storage.codec import decode, encode


def opened(estimator: Any) -> tuple[dict[str, Any], dict]:
    """Return what a file says of an estimator, and its tensors."""
    json, tensors = encode(estimator, type(estimator).__name__)
    return json["estimator"], tensors


def closed(content: dict[str, Any], tensors: dict) -> Any:
    """Return the estimator that a file would hold."""
    name = str(content.get("class"))
    return decode(BaseEstimator, {"estimator": content}, dict(tensors), name)


def through_json(value: Any) -> Any:
    """Return a value as it comes out of a file that needs no tensors."""
    said, tensors = encode(value)
    assert not tensors
    return decode(type(value), json.loads(json.dumps(said)), {})
