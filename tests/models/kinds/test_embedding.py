"""Learning without labels at the command line."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina.data import TableSchema
from lamina.data.errors import UserError
from lamina.models.defaults import EMBEDDING_MODELS
from lamina.models.kinds import embedding
from lamina.models.kinds.embedding import EmbeddingOptions, Embeddings


@pytest.mark.parametrize(
    ("source", "options", "parameter"),
    [
        ("airline", {}, "model"),
        ("japanese_vowels", {}, "model"),
        ("iris", {"latent_dim": 0}, "latent_dim"),
        ("iris", {"size": "8"}, "size"),
        ("iris", {"skip_broken": True}, "skip_broken"),
        (".", {"image_shape": "8x8"}, "image_shape"),
        (".", {"exclude": ("a",)}, "exclude"),
        ("iris", {"model": "pca"}, "model"),
    ],
)
def test_what_has_no_codes(source, options, parameter):
    with pytest.raises(UserError, match=".") as caught:
        Embeddings().check(source, EmbeddingOptions(**{"model": "rbm"} | options))
    assert caught.value.parameter == parameter


def test_the_model_for_a_table():
    options = EmbeddingOptions(model="rbm", latent_dim=3, image_shape="8x8")
    model, table = Embeddings().prepare("digits", options)
    assert (model.model, model.latent_dim, model.image_shape) == ("rbm", 3, (8, 8))
    assert (model.target, table.n_rows) == ("digit", 1797)
    whole, _ = Embeddings().prepare("digits", EmbeddingOptions(model="rbm"))
    assert whole.image_shape == (8, 8)
    part = EmbeddingOptions(model="rbm", exclude=("pixel_0_0",))
    assert Embeddings().prepare("digits", part)[0].image_shape is None
    assert tuple(embedding.learners()) == EMBEDDING_MODELS


def test_what_the_colours_of_a_map_show():
    assert embedding._colours({}) == (None, "")
    labels = {"kind": np.array(["a", "b"], object), "other": np.array([1.0, 2.0])}
    values, name = embedding._colours(labels)
    assert (list(values), name) == (["a", "b"], "kind")
    numbers = np.linspace(0, 1, 100)
    assert embedding._colours({"age": numbers})[0] is numbers


def test_a_shape_that_is_asked_for_comes_first():
    model = SimpleNamespace(schema_=TableSchema(()), image_shape_=(8, 8))
    assert Embeddings().sample_shape(model, "4x16") == (4, 16)
    assert Embeddings().sample_shape(model, None) == (8, 8)
