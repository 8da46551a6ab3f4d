"""Write the embedded data sets from the copies that scikit-learn ships.

Run from the root of the repository: ``python lamina/data/sets/make.py``. The files are
the same, byte for byte, on every run; numbers are written so that they read back bit
for bit.
"""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

from sklearn import datasets

FOLDER = Path(__file__).parent
UCI = "CC BY 4.0 (UCI Machine Learning Repository)"
ABOUT = {
    "iris": (
        "species",
        "Sepals and petals of 150 irises of three species, in cm. One species is "
        "linearly separable from the others, which are not from each other.",
        "R. A. Fisher (1936), The use of multiple measurements in taxonomic problems, "
        "Annals of Eugenics 7(2), 179–188; measured by E. Anderson. UCI Machine "
        "Learning Repository, doi:10.24432/C56C76. Values as in Fisher's paper, so two "
        "rows differ from UCI's file.",
        UCI,
    ),
    "wine": (
        "cultivar",
        "Chemical analysis of 178 wines from three cultivars grown in one region of "
        "Italy.",
        "M. Forina et al. (1988), PARVUS, Institute of Pharmaceutical and Food "
        "Analysis and Technologies, Genoa; S. Aeberhard, M. Forina (1991), Wine, UCI "
        "Machine Learning Repository, doi:10.24432/C5PC7J.",
        UCI,
    ),
    "breast_cancer": (
        "diagnosis",
        "Shape of cell nuclei in 569 fine needle aspirates of breast masses, Wisconsin "
        "(diagnostic).",
        "W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), Nuclear feature "
        "extraction for breast tumor diagnosis, SPIE 1905, 861–870; UCI Machine "
        "Learning Repository, doi:10.24432/C5DW2B.",
        UCI,
    ),
    "diabetes": (
        "progression",
        "Ten measurements of 442 diabetes patients and the progression of the disease "
        "a year later. Each feature is centred and scaled to a sum of squares of 1.",
        "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani (2004), Least angle "
        "regression, The Annals of Statistics 32(2), 407–499; as shipped by "
        "scikit-learn.",
        "No licence is stated by the authors; published with the paper for free use "
        "and redistributed by scikit-learn (BSD-3-Clause).",
    ),
    "digits": (
        "digit",
        "1,797 handwritten digits, 8 × 8 pixels with values from 0 to 16: the test "
        "part of the UCI set of optically recognised digits.",
        "E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository, doi:10.24432/C50P49.",
        UCI,
    ),
}


def main() -> None:
    """Write every data set and what is known about it."""
    about = {}
    for name, (target, description, source, license_) in ABOUT.items():
        bunch = getattr(datasets, f"load_{name}")()
        classes = [str(c) for c in getattr(bunch, "target_names", [])]
        (FOLDER / f"{name}.csv.gz").write_bytes(packed(bunch, target))
        about[name] = {
            "target_names": classes,
            "description": description,
            "source": source,
            "license": license_,
        }
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "about.json").write_text(text, encoding="utf-8")


def packed(bunch, target: str) -> bytes:
    """One data set as gzip-compressed CSV: features, then the target as a number."""
    lines = io.StringIO()
    lines.write(",".join([*map(str, bunch.feature_names), target]) + "\n")
    for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
        lines.write(",".join(map(shortest, [*row, label])) + "\n")
    return gzip.compress(lines.getvalue().encode("ascii"), compresslevel=9, mtime=0)


def shortest(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(int(value)) if value == int(value) else repr(value)


if __name__ == "__main__":
    main()
