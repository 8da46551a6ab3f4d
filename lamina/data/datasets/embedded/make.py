"""Write the embedded data sets, most of them from scikit-learn's copies.

Run from the root of the repository: ``python lamina/data/datasets/embedded/make.py``.
The numbers of ``airline`` are in this file. The Japanese vowels are written only if a
folder is given, ``make.py FOLDER``, with ``JapaneseVowels_TRAIN.ts`` and
``JapaneseVowels_TEST.ts`` of the UEA archive (timeseriesclassification.com). The files
are identical, byte for byte, on every run with the same zlib; numbers are read back bit
for bit.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
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
    "airline": (
        "passengers",
        "International airline passengers in thousands, each month from 1949 to 1960. "
        "They grow, and the summers grow with them.",
        "R. G. Brown (1962), Smoothing, Forecasting and Prediction of Discrete Time "
        "Series, Prentice-Hall; series G of G. E. P. Box, G. M. Jenkins (1976), Time "
        "Series Analysis: Forecasting and Control, Holden-Day.",
        "No licence is stated: 144 published numbers, as textbooks and R reprint them.",
    ),
    "japanese_vowels": (
        "speaker",
        "Sequences of 12 LPC cepstrum coefficients: nine men say the Japanese vowels "
        "/ae/. 270 utterances to learn from, 370 for the test.",
        "M. Kudo, J. Toyama, M. Shimbo (1999), Multidimensional curve classification "
        "using passing-through regions, Pattern Recognition Letters 20(11–13), "
        "1103–1111; UCI Machine Learning Repository, doi:10.24432/C5NS47, in the files "
        "of timeseriesclassification.com.",
        UCI,
    ),
}
#: January to December of 1949 to 1960.
AIRLINE = """
112 118 132 129 121 135 148 148 136 119 104 118
115 126 141 135 125 149 170 170 158 133 114 140
145 150 178 163 172 178 199 199 184 162 146 166
171 180 193 181 183 218 230 242 209 191 172 194
196 196 236 235 229 243 264 272 237 211 180 201
204 188 235 227 234 264 302 293 259 229 203 229
242 233 267 269 270 315 364 347 312 274 237 278
284 277 317 313 318 374 413 405 355 306 271 306
315 301 356 348 355 422 465 467 404 347 305 336
340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405
417 391 419 461 472 535 622 606 508 461 390 432
"""
VOWELS = {"train": "JapaneseVowels_TRAIN.ts", "test": "JapaneseVowels_TEST.ts"}


def main(folder: str | None = None) -> None:
    """Write every data set and its metadata."""
    about = {}
    for name, (target, description, source, license_) in ABOUT.items():
        classes, files = contents(name, target, folder)
        for file, content in files.items():
            (FOLDER / file).write_bytes(content)
        about[name] = {
            "target_names": classes,
            "description": description,
            "source": source,
            "license": license_,
        }
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "about.json").write_text(text, encoding="utf-8")


def contents(
    name: str, target: str, folder: str | None
) -> tuple[list[str], dict[str, bytes]]:
    """Return the class names of a data set, and its files."""
    if name == "airline":
        return [], {f"{name}.csv.gz": airline(target)}
    if name == "japanese_vowels":
        return [str(speaker) for speaker in range(1, 10)], vowels(name, folder)
    bunch = getattr(datasets, f"load_{name}")()
    classes = [str(c) for c in getattr(bunch, "target_names", [])]
    return classes, {f"{name}.csv.gz": packed(bunch, target)}


def packed(bunch, target: str) -> bytes:
    """Return a data set as gzip-compressed CSV: features, then the numeric target."""
    lines = io.StringIO()
    lines.write(",".join([*map(str, bunch.feature_names), target]) + "\n")
    for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
        lines.write(",".join(map(shortest, [*row, label])) + "\n")
    return compressed(lines.getvalue().encode("ascii"))


def airline(target: str) -> bytes:
    """Return the airline passengers as gzip-compressed CSV: month, number."""
    lines = [f"month,{target}\n"]
    for i, number in enumerate(AIRLINE.split()):
        lines.append(f"{1949 + i // 12}-{i % 12 + 1:02},{number}\n")
    return compressed("".join(lines).encode("ascii"))


def vowels(name: str, folder: str | None) -> dict[str, bytes]:
    """Return the files of the archive, compressed; none without a folder."""
    if folder is None:
        return {}
    return {
        f"{name}_{part}.ts.gz": compressed((Path(folder) / file).read_bytes())
        for part, file in VOWELS.items()
    }


def compressed(content: bytes) -> bytes:
    """Return bytes compressed by gzip at the highest level, without a timestamp."""
    return gzip.compress(content, compresslevel=9, mtime=0)


def shortest(value: float) -> str:
    """Return the shortest string that reads back as the same number."""
    return repr(int(value)) if value == int(value) else repr(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
