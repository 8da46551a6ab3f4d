"""``lamina datasets``: the embedded data sets."""

import json


def test_the_embedded_data_sets_are_listed(call):
    status, out, err = call("datasets")
    assert (status, err) == (0, "")
    assert "iris" in out
    assert "lamina fit iris" in out
    names = [one["name"] for one in json.loads(call("datasets", "--json")[1])["sets"]]
    assert "digits" in names
