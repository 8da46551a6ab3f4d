"""Every example runs and prints something; those that draw, draw."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, tmp_path_factory):
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", str(path)]
    draws = "[FILE.png]" in path.read_text(encoding="utf-8")
    image = tmp_path_factory.mktemp("images") / "image.png"
    command += [str(image)] if draws else []
    users = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=users, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not list(tmp_path.iterdir())  # leaves nothing behind
    if draws:
        assert image.read_bytes().startswith(b"\x89PNG")
        assert image.stat().st_size > 20_000  # more than empty axes
    if path.stem in CLAIMS:
        CLAIMS[path.stem](done.stdout)


def a_machine_helps_a_line(printed):
    pixels, machine = map(float, re.findall(r": (\d\.\d+)", printed))
    assert machine > pixels + 0.05


def online_needs_fewer_epochs(printed):
    online, mini, batch = map(int, re.findall(r"(\d+) epochs to", printed))
    assert online < batch / 3
    assert mini < batch / 3


def logistic_layers_let_delta_fade(printed):
    logistic, relu = printed.split("relu:")
    delta = np.array(re.findall(r"\d\.\de-?[+\d]\d+", logistic), float)[:10]
    assert np.all(delta[:8] <= 0.26 * delta[1:9])  # from hidden layer to hidden layer
    assert "the lower layers do not learn" in logistic
    assert "advice: none" in relu


def only_glorot_keeps_the_variance(printed):
    last = [float(line.split(" → ")[-1].split(";")[0]) for line in printed.splitlines()]
    glorot, normal, small = last
    assert 0.6 < glorot < 1.4
    assert 3e9 < normal < 3e10
    assert 1e-8 < small < 6e-8


def looking_inside_adds_up(printed):
    rows = re.findall(r"\[([^\]]+)\]", printed)
    before, after = (np.array(row.split(), float) for row in rows)
    assert np.all(after > before + 5)
    assert float(re.findall(r"p at least (\S+)", printed)[0]) > 0.9
    whole, black = map(
        float, re.findall(r"logit (\S+), of a black image (\S+)\n", printed)[0]
    )
    shares = float(re.findall(r"add up to (\S+)", printed)[0])
    assert abs(shares - (whole - black)) < 0.1
    sure, covered = map(
        float, re.findall(r"p = (\S+), and (\S+) when occluded", printed)[0]
    )
    assert covered < sure - 0.1


def shards_of(printed):
    """Return the shares that lines such as "name: 98.1% …" tell, by their names."""
    found = re.findall(r"^(.+?) *: +(\d+\.\d)%", printed, re.MULTILINE)
    return {name: float(share) for name, share in found}


def speakers_are_told_apart(printed):
    shares = shards_of(printed)
    assert shares["default layers"] >= 96
    assert shares["one LSTM layer"] >= 93
    sure = [float(p) for p in re.findall(r"p = (\d\.\d\d)", printed)]
    assert sure[-1] > 0.9 > 0.5 > sure[0]


def marked_numbers_are_added(printed):
    always, *errors = map(float, re.findall(r": +(0\.\d{3})$", printed, re.MULTILINE))
    assert always == pytest.approx(1 / np.sqrt(6), abs=0.02)
    assert errors[0] < 0.05  # of as many steps as were learnt
    assert errors[1] < 0.15  # of twice as many


def both_ways_are_better_than_one(printed):
    back, both = shards_of(printed).values()
    assert 80 < back < both - 3
    assert both > 93


def the_chain_helps(printed):
    alone, together, truth = shards_of(printed).values()
    assert together > alone + 10
    assert abs(together - truth) < 1.5


def the_network_beats_last_year(printed):
    network, year, month = map(float, re.findall(r"MASE (\d\.\d\d)", printed))
    assert network < 0.8 * year < 0.8 * month
    bounds = re.findall(r": (\d+) \((\d+) to (\d+)\)", printed)
    assert len(bounds) == 12
    assert all(int(low) < int(told) < int(high) for told, low, high in bounds)


def an_lstm_remembers_longer(printed):
    rows = [re.findall(r"lag \d+: (\d+)%", row) for row in printed.splitlines()]
    rnn, _, lstm = np.array(rows, float)
    assert rnn[0] >= 95  # ten steps
    assert rnn[-1] <= 70  # 200 steps: guessing
    assert lstm.min() >= 95


def two_bent_numbers_tell_more_than_two_straight_ones(printed):
    errors = [float(e) for e in re.findall(r"squared error (0\.\d+)", printed)]
    shares = [float(s) for s in re.findall(r"1-NN accuracy (\d+\.\d)%", printed)]
    assert errors[1] < 0.7 * errors[0]  # of PCA, then of the autoencoder
    assert shares[1] > shares[0] + 15


def a_deep_network_needs_its_start(printed):
    none, *shares = [float(s) for s in re.findall(r"test accuracy (\d+\.\d)%", printed)]
    assert none < 20
    assert len(shares) == 4
    assert min(shares) > 85


CLAIMS = {
    "autoencoder": two_bent_numbers_tell_more_than_two_straight_ones,
    "online_or_batch": online_needs_fewer_epochs,
    "vanishing_delta": logistic_layers_let_delta_fade,
    "initial_weights": only_glorot_keeps_the_variance,
    "look_inside": looking_inside_adds_up,
    "recurrent_classifier": speakers_are_told_apart,
    "recurrent_regressor": marked_numbers_are_added,
    "tagger": both_ways_are_better_than_one,
    "hybrid_hmm": the_chain_helps,
    "forecast_airline": the_network_beats_last_year,
    "long_lag": an_lstm_remembers_longer,
    "pretraining": a_deep_network_needs_its_start,
    "rbm_digits": a_machine_helps_a_line,
}
