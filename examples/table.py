"""Train on a table with categories, missing values and dates, and predict.

Run it with ``python examples/table.py``.
"""

import tempfile
from pathlib import Path

import numpy as np

import lamina
from lamina import TableModel


def table() -> dict[str, list]:
    """Make a table of flats: a number, a category, a date, and missing values."""
    rng = np.random.default_rng(0)
    area = rng.uniform(20, 150, 400)
    district = rng.choice(["centre", "north", "harbour"], 400)
    built = [f"{year}-06-01" for year in rng.integers(1900, 2020, 400)]
    extra = np.select([district == "centre", district == "harbour"], [900, 400], 0)
    rent = 300 + 12 * area + extra + rng.normal(0, 40, 400)
    area[::17] = np.nan
    return {"area": area, "district": district, "built": built, "rent": rent}


if __name__ == "__main__":
    model = TableModel("rent", random_state=0).fit(table())
    for name, value in model.scores_.items():
        print(f"{name}: {value:.3g} (baseline: {model.baseline_scores_[name]:.3g})")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rent.lamina"
        model.save(path)
        again = lamina.load(path)
    flat = {"area": [70.0], "district": ["a new one"], "built": ["1999-06-01"]}
    print(f"a flat of 70 m² in an unknown district: {again.predict(flat)[0]:.0f}")
