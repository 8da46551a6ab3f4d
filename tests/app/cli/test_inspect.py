"""``lamina inspect``: what is asked is handed on as it is written."""

from lamina.app import insights
from lamina.app.insights import InspectRequest
from lamina.models.reports import Inspected, Report


def test_all_options_are_handed_on(call, monkeypatch):
    seen = []

    def inspect(path, asked):
        seen.append((path, asked))
        told = "m", "maps", "a.png", 1, 3, 4, None, None, None, [], "f.png", 9
        return Report("inspect", (Inspected(*told),))

    monkeypatch.setattr(insights, "inspect", inspect)
    options = ["--what", "maps", "--image", "a.png", "--layer", "3", "--unit", "4"]
    options += ["--target", "cat", "--method", "smooth", "-o", "f.png"]
    status, out, _ = call("inspect", "m.lamina", *options, "--skip-broken")
    assert status == 0
    assert "maps, layer 3, unit 4, of a.png" in out
    assert call("inspect", "m.lamina")[0] == 0
    asked = InspectRequest("maps", "a.png", 3, 4, "cat", "smooth", "f.png", True)
    assert seen == [("m.lamina", asked), ("m.lamina", InspectRequest())]
