"""What a program holds: scikit-learn estimators over networks and learning."""

from lamina.estimators.mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
