"""Looking into a model at the command line: figures in files, or one line."""

import builtins
import json
import sys

import numpy as np
import pytest

import lamina
from lamina import data
from lamina.app import cli, insights
from lamina.app.exit_codes import run as ended
from tests.data.sample_images import save

LAYERS = "layers=[Conv(4, 3), MaxPool(2), Conv(3, 2), GlobalPool()]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of two colours, and a model that has seen them."""
    folder = tmp_path_factory.mktemp("insights")
    for k, name in enumerate(("cat", "$dog$")):
        for i in range(10):
            values = np.full((12, 10, 3), 20 + i, np.uint8)
            values[i : i + 3, 2:5, k] = 200
            save(folder / "photos" / name / f"{i}.png", values)
    out = str(folder / "model.lamina")
    sets = (LAYERS, "max_iter=2", "augmentation=none")
    quick = [part for value in sets for part in ("--set", value)]
    quick += ["-q", "-o", out]
    command = ["fit", str(folder / "photos"), *quick]
    assert ended(lambda: cli.app(command, standalone_mode=False)) == 0
    return folder


@pytest.fixture
def call(folder, capsys, monkeypatch, tmp_path):
    """Call ``lamina inspect`` for the model; return status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, model=None):
        command = ["inspect", str(model or folder / "model.lamina"), *arguments]
        status = ended(lambda: cli.app(command, standalone_mode=False))
        out, err = capsys.readouterr()
        return status, out, err

    return call


def assert_refused(result, message):
    status, out, err = result
    assert (status, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1
    assert "bug" not in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "more", "told"),
    [
        ("filters", ["--layer", "3"], "filters, layer 3"),
        ("maximise", ["--unit", "0"], "maximise, layer 5"),
        ("maps", [], "maps, layer 3, of 3.png"),
        ("patches", ["--unit", "1"], "patches, layer 3, unit 1, of 3.png"),
        ("deconvolution", ["--method", "guided"], "deconvolution, layer 3, unit"),
        ("saliency", ["--method", "integrated"], "of 3.png"),
        ("occlusion", ["--target", "cat"], "occlusion, cat: p = 0."),
    ],
)
def test_each_writes_a_figure(call, folder, tmp_path, what, more, told):
    image = ["--image", str(folder / "photos" / "cat" / "3.png")]
    image = image if "image" in insights.NEEDS[what] else []
    status, out, err = call("--what", what, *image, *more)
    assert (status, err) == (0, "")
    assert told in " ".join(out.split())
    assert "1 Conv 10×8×4, 2 MaxPool 5×4×4, 3 Conv 4×3×3" in " ".join(out.split())
    figure = (tmp_path / f"{what}.png").read_bytes()
    assert figure.startswith(b"\x89PNG")
    assert len(figure) > 5_000


def test_all_that_can_be_shown_is_tried_above():
    assert set(insights.NEEDS) == set(insights.SHOW)


@pytest.mark.slow
def test_what_is_shown_by_default(call, folder, tmp_path):
    assert call("-o", "a.svg")[0] == 0
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    image = str(folder / "photos" / "cat" / "3.png")
    status, out, _ = call("--image", image, "-o", "b.pdf", "--json")
    report = json.loads(out)
    assert (status, report["what"]) == (0, "saliency")
    assert report["layers"][1] == {"number": 1, "layer": "Conv", "output": [10, 8, 4]}
    assert report["figure_bytes"] == (tmp_path / "b.pdf").stat().st_size


@pytest.mark.slow
def test_the_predicted_class_is_explained_and_the_other_one_on_request(call, folder):
    """One logistic output tells of both classes: h of the first is −h of the second."""
    image = str(folder / "photos" / "cat" / "3.png")
    model = lamina.load(folder / "model.lamina")
    probability = dict(zip(model.classes_, model.predict_proba(image)[0], strict=True))
    (predicted,) = model.predict(image)
    found = {}
    for target in (None, "$dog$", "cat"):
        more = [] if target is None else ["--target", target]
        status, out, err = call("--image", image, "--json", *more)
        assert (status, err) == (0, "")
        found[target] = report = json.loads(out)
        assert report["probability"] == pytest.approx(probability[report["output"]])
    assert found[None]["output"] == predicted
    assert found["cat"]["h"] == -found["$dog$"]["h"]
    told = " ".join(call("--image", image, "--target", "cat")[1].split())
    h = f"{found['cat']['h']:.3g}".replace("-", "−")
    assert f"saliency, cat: logit {h} (p = {probability['cat']:.2f})" in told
    assert call("--what", "maximise", "--target", "$dog$")[0] == 0


@pytest.mark.slow
def test_patches_of_a_folder(call, folder):
    photos = str(folder / "photos")
    status, out, err = call("--what", "patches", "--unit", "0", "--image", photos)
    assert (status, err) == (0, "")
    assert "of 20 images" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "soul"], "--what must be one of filters, maximise, maps"),
        (["--what", "maps"], "--what maps needs --image"),
        (["--image", "x.png", "--what", "filters"], "--image applies to maps, patches"),
        (
            ["--unit", "1"],
            "--unit applies to maximise, patches, deconvolution, not",
        ),
        (["-o", "a.jpg"], "a.jpg: figures can be written as .png, .svg, .pdf"),
        (["-o", "no/such/a.png"], "no/such"),
        (["--layer", "0"], "layer 0 has no filters; the convolutional layers are 1, 3"),
        (["--what", "maximise", "--layer", "9"], "layer must be a number from -6 to 5"),
        (["--what", "maximise", "--unit", "9"], "unit must be a number from 0 to 0"),
        (
            ["--what", "maximise", "--target", "cow"],
            "target must be one of the classes",
        ),
        (["--what", "maximise", "--target", "cat", "--unit", "0"], "omit --unit"),
        (["--target", "cat"], "--target applies to maximise, saliency, occlusion"),
    ],
)
def test_what_cannot_be_is_refused(call, tmp_path, arguments, message):
    assert_refused(call(*arguments), message)
    assert not list(tmp_path.iterdir())


def test_with_a_image_too(call, folder):
    image = "--image", str(folder / "photos" / "cat" / "3.png")
    expected = "one of the classes $dog$, cat, or its index, from 0 to 1; got 'cow'"
    assert_refused(call(*image, "--target", "cow"), expected)
    assert_refused(call(*image, "--method", "lime"), "gradient, integrated, smooth")
    assert_refused(
        call(*image, "--what", "patches"),
        "needs --unit, the number of a unit of layer 3",
    )
    assert_refused(call("--image", "none.png"), "none.png")


@pytest.mark.slow
def test_other_models_are_refused(call, folder, tmp_path):
    digits = data.load("digits")
    images = digits.X[:40].reshape(-1, 8, 8)
    fitted = lamina.ConvNetClassifier([lamina.Conv(2, 3)], max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        fitted.fit(images, digits.y[:40]).save("own.lamina")
    assert call(model="own.lamina")[0] == 0
    image = "--image", str(folder / "photos" / "cat" / "3.png")
    assert_refused(call(*image, model="own.lamina"), "does not say how its images")
    table = lamina.MLPClassifier((2,), max_iter=1)
    with pytest.warns(UserWarning, match="max_iter"):
        table.fit(digits.X[:40], digits.y[:40]).save("table.lamina")
    expected = "is a MLPClassifier; lamina inspect works on image models only"
    assert_refused(call(model="table.lamina"), expected)


def test_without_matplotlib_one_line_says_how_to_get_it(call, monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **options)

    for name in [n for n in sys.modules if n.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    assert_refused(call(), 'pip install "lamina[figures]"')
    assert not list(tmp_path.iterdir())
