"""A convolutional network that classifies images of digits.

Run it with ``python examples/convnet_digits.py``.
"""

import warnings

from sklearn.exceptions import ConvergenceWarning

from lamina import Conv, ConvNetClassifier, Dense, Dropout, MaxPool, data


def main() -> None:
    """Train the default network, and one with custom layers."""
    digits = data.load("digits")
    images, labels = digits.X.reshape(-1, 8, 8), digits.y
    learnt, unseen = (images[::2], labels[::2]), (images[1::2], labels[1::2])

    model = ConvNetClassifier(max_iter=30, random_state=0).fit(*learnt)
    print(f"default layers: test accuracy {model.score(*unseen):.1%}")

    layers = [Conv(16, 3), Conv(32, 3), MaxPool(2), Dense(64), Dropout(0.3)]
    model = ConvNetClassifier(layers, max_iter=30, random_state=0).fit(*learnt)
    print(f"custom layers:  test accuracy {model.score(*unseen):.1%}")
    print(model.summary())


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)  # 30 epochs are enough
    main()
