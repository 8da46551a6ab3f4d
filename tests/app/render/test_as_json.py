"""Reports as JSON."""

import json
import os

from lamina.app.render.as_json import as_json


def test_a_report_is_one_line():
    assert as_json({"é": [1, "a\nb"]}) == '{"é": [1, "a\\nb"]}'


def test_names_of_any_bytes_can_be_written():
    name = os.fsdecode(b"non\xff.csv")
    assert json.loads(as_json({"data": name})) == {"data": name}
    as_json({"data": name}).encode()
