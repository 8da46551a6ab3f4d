"""What a program holds: scikit-learn estimators over networks and learning."""

from lamina.estimators.mlp import MLPClassifier, MLPRegressor
from lamina.estimators.perceptron import Perceptron
from lamina.estimators.persistence import load
from lamina.estimators.table import TableModel

__all__ = ["MLPClassifier", "MLPRegressor", "Perceptron", "TableModel", "load"]
