"""An SVM on the features of a convolutional network, in a pipeline.

Run it with ``python examples/svm_on_features.py``.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from lamina import Conv, ConvNetClassifier, Dense, MaxPool, data


def main() -> None:
    """Compare an SVM on pixels with one on the last hidden layer's activations."""
    digits = data.load("digits")
    images, labels = digits.X.reshape(-1, 8, 8), digits.y
    few = np.arange(len(labels)) % 6 == 0
    unseen = ~few
    network = ConvNetClassifier(
        [Conv(16, 3), Conv(32, 3), MaxPool(2), Dense(64)],
        augmentation="default",
        max_iter=60,
        random_state=0,
    )
    pixels = SVC().fit(digits.X[few], labels[few])
    features = make_pipeline(network, SVC()).fit(images[few], labels[few])
    print("trained on every sixth digit; accuracy on the others:")
    print(f"SVM on pixels:     {pixels.score(digits.X[unseen], labels[unseen]):.1%}")
    alone = features[0].score(images[unseen], labels[unseen])
    print(f"network alone:     {alone:.1%}")
    both = features.score(images[unseen], labels[unseen])
    print(f"SVM on features:   {both:.1%}")
    print(f"features: {', '.join(features[0].get_feature_names_out()[:3])}, …")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
