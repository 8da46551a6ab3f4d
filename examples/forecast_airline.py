"""Forecast airline passengers, with prediction intervals and a backtest.

The backtest covers the last three years, and compares the network with two naive
forecasts. Run it with

    python examples/forecast_airline.py [FILE.png]

It prints the errors, and plots the forecasts if a file is given.
"""

import sys

import numpy as np

from lamina import Forecaster, data

NAMES = {
    "model": "network",
    "seasonal_naive": "seasonal naive",
    "naive": "naive",
}
BLUE, ORANGE = "#0072B2", "#D55E00"


def draw(airline: data.TimeSeriesDataset, model: Forecaster, tried: dict):
    """Return a figure: the last years with forecasts, and the errors."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 1])
    times = airline.times.astype("datetime64[D]")
    later = (airline.times[-1] + 1 + np.arange(12)).astype("datetime64[D]")
    left.plot(times[72:], airline.y[72:], "k-", lw=1.8, label="passengers")
    for fold in tried["folds"]:
        at = slice(fold["end"][0], fold["end"][0] + 12)
        left.plot(times[at], fold["seasonal_naive"][0], ":", color=ORANGE, lw=2)
        left.plot(times[at], fold["model"][0], "--", color=BLUE, lw=2.2)
        bounds = fold["lower"][0], fold["upper"][0]
        left.fill_between(times[at], *bounds, color=BLUE, alpha=0.18, lw=0)
        left.axvline(times[at][0], color="0.85", lw=1, zorder=0)
    left.fill_between(later, *model.predict_interval(), color=BLUE, alpha=0.18, lw=0)
    left.plot(later, model.predict(), "--", color=BLUE, lw=2.2, label="network")
    left.plot([], ":", color=ORANGE, lw=2, label="seasonal naive")
    left.fill_between([], [], color=BLUE, alpha=0.18, lw=0, label="80 % interval")
    left.axvline(later[0], color="0.85", lw=1, zorder=0)
    left.set_title("Each year forecast from the years before", fontsize=14, loc="left")
    left.set_ylabel("passengers (thousands per month)", fontsize=13)
    left.legend(fontsize=12, frameon=False, loc="upper left")
    errors = {name: tried["scores"][key]["mae"] for key, name in NAMES.items()}
    bars = right.barh(
        list(errors), list(errors.values()), color=[BLUE, ORANGE, "0.6"], height=0.6
    )
    right.bar_label(bars, fmt="%.1f", padding=4, fontsize=13)
    right.invert_yaxis()
    right.margins(x=0.25)
    right.set_title("Mean absolute error, three years", fontsize=14)
    right.set_xlabel("thousands per month", fontsize=13)
    right.tick_params(axis="y", labelsize=12, length=0)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Print the backtest errors and the forecast of the next year, and plot both."""
    airline = data.load("airline")
    model = Forecaster(horizon=12, seasonal_period=12, random_state=0)
    tried = model.backtest(airline.y, folds=3)
    print("backtest over three years, thousands per month")
    for key, name in NAMES.items():
        scores = tried["scores"][key]
        print(f"  {name:15} MAE {scores['mae']:5.1f}, MASE {scores['mase']:.2f}")
    print(f"  80 % prediction interval covered {tried['coverage']:.0%} of the months")

    model.fit(airline.y)
    lower, upper = model.predict_interval(coverage=0.8)
    print("1961")
    for month, *row in zip(range(1, 13), model.predict(), lower, upper, strict=True):
        print(f"  {month:2}: {row[0]:.0f} ({row[1]:.0f} to {row[2]:.0f})")
    if len(sys.argv) > 1:
        draw(airline, model, tried).savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
