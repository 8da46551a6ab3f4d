"""Parameters that models share: which model has which, and what others are told."""

import inspect

import pytest

from lamina import EmbeddingModel, ImageModel, MLPRegressor, SequenceModel, TableModel
from lamina.estimators import parameters
from lamina.models.model_parameters import ColumnParams, ImageFileParams, ModelParams
from lamina.models.source_model import checked_settings


def names(cls):
    return {row.name for row in parameters(cls)}


@pytest.mark.parametrize(
    ("model", "tables"),
    [
        (TableModel, [ColumnParams]),
        (ImageModel, [ImageFileParams]),
        (SequenceModel, [ColumnParams]),
        (EmbeddingModel, [ColumnParams, ImageFileParams]),
    ],
)
def test_a_model_has_the_parameters_of_its_sources(model, tables):
    without = {"task"} if model is EmbeddingModel else set()
    assert names(ModelParams) - without <= names(model)
    for table in (ColumnParams, ImageFileParams):
        assert (names(table) <= names(model)) is (table in tables)


@pytest.mark.parametrize("model", [TableModel, ImageModel, SequenceModel])
def test_target_and_estimator_are_given_by_place(model):
    first, second, *others = inspect.signature(model).parameters.values()
    assert [first.name, second.name] == ["target", "estimator"]
    assert all(one.kind is one.KEYWORD_ONLY for one in others)


def test_a_setting_that_an_estimator_cannot_have_is_refused_with_the_reason():
    with pytest.raises(
        ValueError, match="no setting 'label_smoothing'; its targets are numbers"
    ):
        checked_settings(MLPRegressor(), {"label_smoothing": 0.1})
