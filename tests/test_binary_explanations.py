"""One logistic output for two classes: the explanation of one is minus the other's."""

import numpy as np
import pytest

import lamina
from lamina.insight import maximising_input, occlusion, saliency
from lamina.insight.network_view import view_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
METHODS = ("gradient", "integrated", "smooth")
CLASSES = ("china", "flower")


def learnt(classes):
    """A small network that has learnt where the bright pixels are."""
    rng = np.random.default_rng(0)
    X = rng.normal(0, 0.3, (24, 6, 6, 1)).astype(np.float32)
    y = np.arange(24) % len(classes)
    for row, k in enumerate(y):
        X[row, 2 * k : 2 * k + 2] += 1
    layers = [lamina.Conv(3, 3), lamina.Flatten()]
    how = {"max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
    model = lamina.ConvNetClassifier(layers, **how)
    return model.fit(X, np.array(classes)[y]), X


@pytest.fixture(scope="module")
def binary():
    return learnt(CLASSES)


def test_the_network_has_one_output(binary):
    assert binary[0].n_outputs_ == 1
    assert view_network(binary[0]).names == CLASSES


@pytest.mark.parametrize("row", [0, 1])
def test_the_predicted_class_is_explained(binary, row):
    model, X = binary
    p = model.predict_proba(X[row][None])[0]
    k = int(np.argmax(p))
    assert model.predict(X[row][None])[0] == CLASSES[k] == CLASSES[row]
    covered, found = occlusion(model, X[row]), saliency(model, X[row])
    assert (covered.target, covered.name) == (k, CLASSES[k])
    assert (found.target, found.name) == (k, CLASSES[k])
    assert covered.whole == pytest.approx(p[k], rel=1e-5)
    assert found.probability == pytest.approx(p[k], rel=1e-5)
    assert found.score > 0
    assert found.score == pytest.approx(np.log(p[k] / p[1 - k]), rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_attributions_of_the_classes_are_opposite(binary, method):
    model, X = binary
    first, second = (saliency(model, X[0], k, method, steps=4) for k in (0, 1))
    assert np.abs(first.attribution).max() > 0
    np.testing.assert_array_equal(first.attribution, -second.attribution)
    assert first.score == -second.score
    assert first.probability + second.probability == pytest.approx(1)


def test_the_shares_of_a_class_add_up_to_its_own_logit(binary):
    """Completeness, with the sign of the class: Σ A = f(x) − f(x′)."""
    model, X = binary
    found = saliency(model, X[0], "china", "integrated", steps=512)
    p = model.predict_proba(np.stack([X[0], np.zeros_like(X[0])]))[:, 0]
    of_image, of_black = np.log(p / (1 - p))
    assert abs(of_image - of_black) > 0.1
    assert found.attribution.sum() == pytest.approx(of_image - of_black, abs=0.02)


def test_what_occlusion_takes_from_one_class_it_gives_to_the_other(binary):
    model, X = binary
    first, second = (occlusion(model, X[0], target=name) for name in CLASSES)
    np.testing.assert_allclose(first.map, -second.map, atol=1e-6)
    np.testing.assert_allclose(first.outputs, 1 - second.outputs, atol=1e-6)


@pytest.mark.slow
def test_an_input_for_each_class(binary):
    model, _ = binary
    found = maximising_input(model, unit=CLASSES, steps=20, contrast=3.0)
    p = model.predict_proba(found.images)
    assert p[0, 0] > 0.5 > p[1, 0]
    assert (found.scores[:, -1] > found.scores[:, 0]).all()
    assert found.names == CLASSES
    alone = maximising_input(model, steps=20, contrast=3.0)
    assert alone.names == ("flower",)
    np.testing.assert_allclose(alone.images[0], found.images[1], atol=1e-5)


@pytest.mark.slow
def test_classes_by_name_and_by_number():
    model, X = learnt(["a", "b", "c"])
    for k, name in enumerate("abc"):
        by_name, by_number = saliency(model, X[1], name), saliency(model, X[1], k)
        np.testing.assert_array_equal(by_name.attribution, by_number.attribution)
        assert (by_name.target, by_name.name) == (k, name)
        assert occlusion(model, X[1], target=name).name == name
        assert maximising_input(model, unit=name, steps=1).units == (k,)


@pytest.mark.parametrize("wrong", [2, -1, True, 0.5, "China", "x" * 70_000])
def test_other_classes_are_refused(binary, wrong):
    model, X = binary
    for explain in (saliency, occlusion):
        with pytest.raises(ValueError, match="classes china, flower.*0 to 1") as caught:
            explain(model, X[0], target=wrong)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("wrong", [1, "China"])
def test_other_units_are_refused(binary, wrong):
    with pytest.raises(ValueError, match="must be"):
        maximising_input(binary[0], unit=wrong, steps=1)


def test_figures_say_what_is_explained(binary):
    model, X = binary
    found = saliency(model, X[0], "flower")
    expected = f"flower: logit −{-found.score:.3g} (p = {found.probability:.2f})"
    assert found.figure().get_suptitle() == expected
    found = occlusion(model, X[0], target="china")
    figure = found.figure()
    assert figure.get_suptitle() == f"china: p = {found.whole:.2f}"
    assert figure.axes[1].get_title() == "drop in probability when occluded"
