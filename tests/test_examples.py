"""Every example runs and prints something; those that draw, draw."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, tmp_path_factory):
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", str(path)]
    draws = "[FILE.png]" in path.read_text(encoding="utf-8")
    picture = tmp_path_factory.mktemp("pictures") / "picture.png"
    command += [str(picture)] if draws else []
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not list(tmp_path.iterdir())  # leaves nothing behind
    if draws:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 20_000  # more than empty axes
    if path.stem in CLAIMS:
        CLAIMS[path.stem](done.stdout)


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
        float, re.findall(r"h = (\S+), of a black picture (\S+)\n", printed)[0]
    )
    shares = float(re.findall(r"add up to (\S+)", printed)[0])
    assert abs(shares - (whole - black)) < 0.1
    sure, covered = map(float, re.findall(r"p = (\S+), and (\S+) with", printed)[0])
    assert covered < sure - 0.1


CLAIMS = {
    "online_or_batch": online_needs_fewer_epochs,
    "vanishing_delta": logistic_layers_let_delta_fade,
    "initial_weights": only_glorot_keeps_the_variance,
    "look_inside": looking_inside_adds_up,
}
