"""A recurrent network identifies speakers from sequences of different lengths.

Nine men say the Japanese vowels /ae/: 7 to 29 steps of 12 features. Run it with
``python examples/recurrent_classifier.py``.
"""

from lamina import LSTM, RecurrentClassifier, data


def main() -> None:
    """Train the default network, and one with custom layers."""
    vowels = data.load("japanese_vowels")
    print(f"training: {vowels.X}; test: {len(vowels.X_test)} others")

    model = RecurrentClassifier(random_state=0).fit(vowels.X, vowels.y)
    right = model.score(vowels.X_test, vowels.y_test)
    print(f"default layers: {right:.1%} test accuracy")

    print(model.summary())

    first = vowels.X_test[0]
    for steps in (2, 4, 8, len(first)):
        sure = model.predict_proba([first[:steps]])[0]
        print(f"after {steps:2} steps: speaker {sure.argmax()}, p = {sure.max():.2f}")

    model = RecurrentClassifier([LSTM(64)], pooling="last", random_state=0)
    right = model.fit(vowels.X, vowels.y).score(vowels.X_test, vowels.y_test)
    print(f"one LSTM layer: {right:.1%} test accuracy")


if __name__ == "__main__":
    main()
