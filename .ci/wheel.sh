#!/bin/sh
# Build sdist and wheel into dist/, install the wheel into a fresh environment far from
# the sources, and use it as a newcomer would. The wheel is built from the sdist, so that
# a file which the sdist lacks is noticed here. wheel.sh PYTHON
set -eu
cd "$(dirname "$0")/.."

python="$PWD/$1"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

rm -rf dist
"$python" -m build --outdir dist
"$python" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install -q dist/lamina-*.whl

version=$("$python" -c 'import lamina; print(lamina.__version__)')
cd "$place"
unset PYTHONPATH
test "$(venv/bin/lamina --version)" = "lamina $version"
venv/bin/python -m pip check
venv/bin/python - <<'EOF'
import pathlib
import sys

import lamina
from lamina import MLPClassifier, data, load

home = pathlib.Path(lamina.__file__).parent
assert home.is_relative_to(sys.prefix), f"imported the sources: {home}"
assert (home / "py.typed").exists()

iris = data.load("iris")
model = MLPClassifier(solver="lbfgs", tol=1e-2, random_state=0).fit(iris.X, iris.y)
assert model.score(iris.X, iris.y) > 0.9
model.save("iris.lamina")
assert (load("iris.lamina").predict(iris.X) == model.predict(iris.X)).all()
EOF
venv/bin/lamina fit iris -q -o table.lamina --save-holdout held.csv
venv/bin/lamina predict table.lamina held.csv -o predictions.csv
venv/bin/lamina evaluate table.lamina held.csv
test -s predictions.csv
echo "The wheel of lamina $version installs and works."
