"""Codes at the command line: fit without labels, transform, sample."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import lamina
from lamina.app import cli
from lamina.app.exit_codes import run as ended
from lamina.data import load
from lamina.models.defaults import EMBEDDING_MODELS, default_embedding_estimator
from tests.data.images.test_idx import idx
from tests.data.sample_images import save

QUICK = ["-s", "max_iter=3"]
FEW = ["-s", "n_iter=2"]
RNG = np.random.default_rng(0)


def run(command, capsys=None):
    command = [str(part) for part in command]
    status = ended(lambda: cli.app(command, standalone_mode=False))
    return (status, *capsys.readouterr()) if capsys else status


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models of a table, of pixels and of images, and images of two classes."""
    folder = tmp_path_factory.mktemp("codes")
    for k, name in enumerate(("dark", "light")):
        for i in range(12):
            values = RNG.integers(0, 80, (6, 5, 3)) + 150 * k
            save(folder / "photos" / name / f"{i}.png", values.astype(np.uint8))
    auto = ["--model", "autoencoder", "-q", *QUICK]
    machine = ["--model", "rbm", "--latent-dim", "5", "-q", *FEW]
    for name, source, how in [
        ("iris", "iris", auto),
        ("pixels", "digits", machine),
        ("photos", folder / "photos", machine),
        ("mapped", folder / "photos", auto),
        ("rows", "iris", ["--model", "gaussian-rbm", "-q", *FEW]),
    ]:
        assert run(["fit", source, "-o", folder / f"{name}.lamina", *how]) == 0
    assert run(["fit", "iris", "-o", folder / "p.lamina", "-q", *QUICK]) == 0
    return folder


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments):
        return run([command, *arguments], capsys)

    return call


def refused(result, *messages):
    status, out, err = result
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "bug" not in err
    for message in messages:
        assert message in err


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_words_are_those_of_the_estimators():
    assert [type(codes_of(word)).__name__ for word in EMBEDDING_MODELS] == [
        "Autoencoder",
        "BernoulliRBM",
        "GaussianRBM",
        "DeepBeliefNetwork",
        "DeepBoltzmannMachine",
    ]


def codes_of(word):
    return default_embedding_estimator(word, 3, 100, 10)


@pytest.mark.slow
@pytest.mark.parametrize("model", EMBEDDING_MODELS)
def test_from_a_table_to_codes(call, model, tmp_path):
    sets = QUICK if model == "autoencoder" else FEW
    how = ["--model", model, "--latent-dim", "2", "--save-holdout", "held.csv", *sets]
    status, out, err = call("fit", "iris", *how)
    assert (status, err) == (0, "")
    for text in (
        "(without species) → 2 latent dimensions",
        type(codes_of(model)).__name__,
        "PCA",
        "mean",
    ):
        assert text in out
    assert "lamina transform model.lamina held.csv -o embedding.png" in out
    assert ("lamina sample" in out) == (model != "autoencoder")
    status, out, err = call(
        "transform", "model.lamina", "held.csv", "--reconstruction-error"
    )
    assert (status, err) == (0, "")
    found = rows(out)
    assert list(found[0]) == ["species", "embedding_1", "embedding_2", "error"]
    fitted = lamina.load("model.lamina")
    expected = fitted.transform("held.csv")
    np.testing.assert_allclose(
        [[float(row["embedding_1"]), float(row["embedding_2"])] for row in found],
        expected,
    )
    for command in (["summary", "model.lamina"], ["evaluate", "model.lamina", "iris"]):
        status, out, err = call(*command)
        assert (status, err) == (0, "")
        assert "reconstruction error" in out


@pytest.mark.slow
def test_everything_speaks_json(call, folder):
    fit = ["iris", "--model", "rbm", "--latent-dim", "3", "--json", *FEW]
    transform = [folder / "iris.lamina", "iris", "--json"]
    commands = [
        ("fit", *fit),
        ("evaluate", folder / "iris.lamina", "iris", "--json"),
        ("summary", folder / "iris.lamina", "--json"),
        ("transform", *transform),
        ("transform", *transform, "-o", "c.csv"),
        ("sample", folder / "rows.lamina", "-n", "3", "--json"),
        ("sample", folder / "pixels.lamina", "-n", "3", "-o", "s.png", "--json"),
    ]
    for command, *arguments in commands:
        status, out, _ = call(command, *arguments)
        assert status == 0
        report = json.loads(out)
        assert report["command"] == command
        assert report.get("task", "embedding") == "embedding"
    assert len(json.loads(call("transform", *transform)[1])["embeddings"]) == 150


@pytest.mark.slow
def test_codes_as_a_file_or_a_map(call, folder, tmp_path):
    status, out, _ = call("transform", folder / "iris.lamina", "iris", "-o", "c.csv")
    assert status == 0
    assert "2 latent dimensions of 150 rows: c.csv" in out
    assert len(rows((tmp_path / "c.csv").read_text())) == 150
    for name in ("c.png", "c.svg"):
        how = folder / "iris.lamina", "iris", "-o", name
        assert "scatter plot of 150 rows" in call("transform", *how)[1]
    assert Image.open(tmp_path / "c.png").size[0] > 500
    assert b"<svg" in (tmp_path / "c.svg").read_bytes()


@pytest.mark.slow
def test_what_stands_beside_the_codes_of_images(call, folder):
    model, photos = folder / "mapped.lamina", folder / "photos"
    status, out, err = call("transform", model, photos)
    assert (status, err.count("\n") <= 2) == (0, True)
    found = rows(out)
    assert list(found[0]) == ["image", "class", "embedding_1", "embedding_2"]
    assert (found[0]["image"], found[-1]["class"]) == ("dark/0.png", "light")
    written = call("transform", model, photos, "-o", "map.png")
    assert "scatter plot of 24 images: map.png" in written[1]
    one = rows(call("transform", model, photos / "dark" / "0.png")[1])
    assert list(one[0]) == ["image", "embedding_1", "embedding_2"]


@pytest.mark.slow
def test_files_of_mnist(call, tmp_path):
    path = "a-images-idx3-ubyte"  # a long one would break the line
    pixels = RNG.integers(0, 255, (30, 6, 6)).astype(np.uint8)
    (tmp_path / path).write_bytes(idx(pixels))
    status, out, _ = call("fit", path, "--model", "dbn", "--latent-dim", "4", *FEW)
    assert status == 0
    assert "30 images" in out
    status, out, _ = call("sample", "model.lamina", "-n", "9", "--steps", "5")
    assert status == 0
    assert "9 images after 5 Gibbs steps each: samples.png" in out
    assert Image.open("samples.png").mode == "L"


@pytest.mark.slow
def test_samples(call, folder, tmp_path):
    how = "-n", "7", "--steps", "3"
    status, out, _ = call("sample", folder / "rows.lamina", *how)
    assert status == 0
    assert list(rows(out)[0]) == load("iris").feature_names
    assert len(rows(out)) == 7
    assert call("sample", folder / "rows.lamina", *how)[1] == out
    assert call("sample", folder / "rows.lamina", *how, "--seed", "1")[1] != out
    assert call("sample", folder / "pixels.lamina", *how, "-o", "s.csv")[0] == 0
    table = rows((tmp_path / "s.csv").read_text())
    assert {row["pixel_0_0"] for row in table} == {"0"}  # constant, and no input
    assert all(0 <= float(row["pixel_3_3"]) <= 16 for row in table)
    assert call("sample", folder / "pixels.lamina", *how, "-o", "s.png")[0] == 0
    assert Image.open(tmp_path / "s.png").size == (3 * 50 + 2, 3 * 50 + 2)
    assert call("sample", folder / "photos.lamina", *how)[0] == 0
    assert Image.open(tmp_path / "samples.png").mode == "RGB"


@pytest.mark.slow
def test_columns_of_a_file_as_pixels(call, tmp_path):
    digits = load("digits")
    names = [f"v{i}" for i in range(64)]
    lines = [",".join(names)]
    lines += [",".join(map(str, row)) for row in digits.X[:60].astype(int)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    machine = ["t.csv", "--model", "rbm", "--latent-dim", "3", "-q", *FEW]
    assert call("fit", *machine)[0] == 0
    refused(
        call("sample", "model.lamina", "-o", "s.png"), "for example --image-shape 8x8"
    )
    how = "model.lamina", "-n", "2", "-o", "s.png", "--image-shape"
    assert call("sample", *how, "8x8")[0] == 0
    refused(call("sample", *how, "9x9"), "81 pixels, but a row has 64 columns")
    refused(
        call("sample", *how, "big"), "--image-shape must be one side or HEIGHTxWIDTH"
    )
    assert call("fit", *machine, "--image-shape", "8x8")[0] == 0
    assert call("sample", *how[:-1])[0] == 0
    refused(
        call("fit", *machine, "--image-shape", "7x9"), "--image-shape 7x9 has 63 pixels"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "pca"], "--model must be one of autoencoder, rbm,"),
        (
            ["--latent-dim", "3"],
            "--latent-dim applies to unsupervised models (--model",
        ),
        (
            ["--image-shape", "8x8"],
            "--image-shape applies to unsupervised models (--model",
        ),
        (
            ["--model", "rbm", "--latent-dim", "0"],
            "--latent-dim must be at least 1; got 0",
        ),
        (
            ["--model", "autoencoder", "--latent-dim", "4"],
            "--latent-dim 4 is not smaller than the number of features, 4",
        ),
        (
            ["--model", "rbm", "--task", "regression"],
            "--task applies to tables, images and sequences",
        ),
        (
            ["--model", "rbm", "--forecast", "x"],
            "--forecast applies to time series",
        ),
        (
            ["--model", "rbm", "--size", "8"],
            "--size applies to images; iris is a table",
        ),
        (
            ["--model", "rbm", "--group-column", "x"],
            "--group-column applies to sequences",
        ),
        (["--model", "rbm", "--target", "specie"], "did you mean 'species'"),
        (["--model", "rbm", "--holdout", "2"], "--holdout must be in"),
        (["--model", "rbm", "-o", "none/m.lamina"], "does not exist"),
        (["--model", "rbm", "-s", "n_itr=2"], "did you mean n_iter"),
        (
            ["--model", "rbm", "--latent-dim", "3", "-s", "n_components=4"],
            "set the same number",
        ),
    ],
)
def test_fits_that_make_no_sense(call, arguments, message, tmp_path):
    refused(call("fit", "iris", *arguments), message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["airline", "japanese_vowels"])
def test_sequences_have_no_codes(call, source):
    refused(call("fit", source, "--model", "rbm"), "takes tables and images")


@pytest.mark.slow
def test_models_that_cannot(call, folder, tmp_path):
    iris, predictor = folder / "iris.lamina", folder / "p.lamina"
    refused(call("predict", iris, "iris"), "lamina transform", "without predictions")
    refused(call("transform", predictor, "iris"), "use lamina predict")
    refused(call("sample", predictor), "use lamina predict")
    refused(call("inspect", iris), "which lamina inspect does not support")
    refused(call("sample", iris), "is an autoencoder", "--model rbm")
    refused(call("transform", "none.lamina", "iris"), "none.lamina")
    refused(call("sample", "none.lamina"), "none.lamina")
    pixels = folder / "pixels.lamina"
    out = "-o", "c.png"
    result = call("transform", pixels, "digits", *out)
    refused(result, "needs 2 latent dimensions", "has 5 latent dimensions")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_data_that_do_not_fit(call, folder, tmp_path):
    (tmp_path / "few.csv").write_text("a,b\n1,2\n")
    (tmp_path / "none.csv").write_text(",".join(load("iris").feature_names) + "\n")
    model = folder / "iris.lamina"
    refused(call("transform", model, "few.csv"), "columns that the model needs")
    refused(call("transform", model, "none.csv"), "none.csv")
    refused(call("transform", model, folder / "photos"), "is a folder")
    refused(call("transform", folder / "photos.lamina", "iris"), "iris")
    refused(call("evaluate", model, "few.csv"), "columns that the model needs")


@pytest.mark.slow
def test_places_that_cannot_be_written(call, folder, tmp_path):
    model = folder / "iris.lamina"
    (tmp_path / "t.csv").write_text("x")
    for out, message in [
        (model, "would be overwritten"),
        ("none/c.csv", "does not exist"),
        (".", "is a folder"),
    ]:
        refused(call("transform", model, "iris", "-o", out), message)
        refused(call("sample", model, "-o", out), message)
    refused(call("transform", model, "t.csv", "-o", "t.csv"), "would be overwritten")
    refused(call("sample", folder / "photos.lamina", "-o", "s.csv"), "written as .png")
    refused(call("sample", folder / "rows.lamina", "-o", "s.svg"), ".png or .csv")


@pytest.mark.slow
def test_samples_that_make_no_sense(call, folder):
    rows_, photos = folder / "rows.lamina", folder / "photos.lamina"
    refused(call("sample", rows_, "-n", "0"), "-n must be at least 1; got 0")
    refused(call("sample", rows_, "--steps", "0"), "--steps must be at least 1")
    refused(call("sample", rows_, "--seed", "-1"), "--seed must be in")
    refused(
        call("sample", rows_, "--image-shape", "2x2"),
        "--image-shape needs a .png file",
    )
    refused(
        call("sample", photos, "--image-shape", "2x2"),
        "--image-shape needs a .png file",
    )
    refused(call("sample", photos, "-n", "9000000"), "too many for one file")


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learnt(call, monkeypatch):
    from lamina import EmbeddingModel

    fit = EmbeddingModel.fit

    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    def interrupted(self, *args):
        return fit(self.set_params(callbacks=[interrupt]), *args)

    monkeypatch.setattr(EmbeddingModel, "fit", interrupted)
    status, out, _ = call("fit", "iris", "--model", "autoencoder")
    assert status == 130
    assert "interrupted, best weights so far kept" in out
    assert call("transform", "model.lamina", "iris")[0] == 0


@pytest.mark.slow
def test_the_same_command_again_goes_on(call):
    how = ["iris", "--model", "rbm", "--latent-dim", "4", "--checkpoint", "run"]
    how += ["-s", "schedule=none"]  # which would depend on the number of epochs
    assert "checkpoint run: new" in call("fit", *how, *FEW)[1]
    assert "resumed after epoch 2" in call("fit", *how, "-s", "n_iter=3")[1]
