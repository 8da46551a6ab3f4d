"""A table with a row a time step in, a forecaster out."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import lamina
from lamina import Forecaster, ForecastModel, MLPRegressor
from lamina.data import TableError, load, read_table
from lamina.storage import ModelFileError, read, write
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINE: dict[str, Any] = {"estimator": LinearRegression(), "n_estimators": 1}
"""One regression without randomness: quick, and its forecasts can be worked out."""

NETS = {
    "estimator": MLPRegressor(hidden_layer_sizes=(4,), max_iter=2),
    "n_estimators": 2,
}
AIRLINE = load("airline")


def forecast(target: Any = "y", **params):
    return ForecastModel(target, **{"horizon": 3, "settings": LINE} | params)


def days(n, start="2024-01-01", unit="D"):
    return np.datetime64(start, unit) + np.arange(n)


def walk(n, seed=0, level=50.0):
    return level + np.cumsum(np.random.default_rng(seed).standard_normal(n))


def shops(names=("b", "a"), n=60):
    """Return a table of several shops, the rows of one not behind each other."""
    rows = [
        (name, day, level + value, 10 * level - value, np.sin(day))
        for name, level in zip(names, (50, 500, 5000), strict=False)
        for day, value in enumerate(walk(n, int(level), 0))
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    shop, day, y, z, price = (np.array(part) for part in zip(*rows, strict=True))
    columns = {"shop": shop, "day": days(n)[day], "y": y, "z": z, "price": price}
    return {name: values[order] for name, values in columns.items()}


def same(one, other):
    assert list(one) == list(other)
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])
    return True


@pytest.fixture(scope="module")
def airline():
    return ForecastModel("passengers", settings=LINE).fit("airline")


# ---- what is learnt, and how well ----------------------------------------------------


def test_airline_passengers(airline):
    """The regression errs by two thirds of what the seasonal naive does."""
    assert (airline.time_, airline.seasonal_period_, airline.spacing_) == (
        "month",
        12,
        "1 month",
    )
    assert (airline.n_steps_, airline.n_series_, airline.series_) == (144, 1, None)
    assert (airline.targets_, airline.notes_) == (["passengers"], [])
    assert set(airline.scores_) == {"mae", "rmse", "mase"}
    assert airline.scores_["mase"] < 0.7 * airline.baseline_scores_["mase"]
    assert len(airline.backtest_) == 3
    assert 0.4 < airline.coverage_ <= 1
    found = airline.predict("airline")
    assert list(found) == ["month", "passengers", "passengers low", "passengers high"]
    assert found["month"].astype(str).tolist()[::11] == ["1961-01-01", "1961-12-01"]
    assert (found["passengers low"] < found["passengers"]).all()
    assert (found["passengers"] < found["passengers high"]).all()
    narrow = airline.predict("airline", coverage=0.3)
    width, less = (
        (f["passengers high"] - f["passengers low"]) for f in (found, narrow)
    )
    assert (less < width).all()


def test_it_is_what_the_forecaster_tells(airline):
    """The model adds names and times to it."""
    own = Forecaster(12, seasonal_period=12, **LINE).fit(AIRLINE.y)
    np.testing.assert_array_equal(airline.predict()["passengers"], own.predict())
    tried = own.backtest(AIRLINE.y)
    assert airline.scores_ == tried["scores"]["model"]
    assert airline.baseline_scores_ == tried["scores"]["seasonal_naive"]
    assert airline.coverage_ == tried["coverage"]
    assert airline.evaluate("airline")["scores"] == own.continued(AIRLINE.y)["model"]


def test_what_was_learnt_is_continued_unasked(airline):
    assert same(airline.predict(), airline.predict("airline"))
    two = forecast(["y", "z"], series="shop").fit(shops())
    assert same(two.predict(), two.predict(shops()))
    plain = forecast().fit({"y": walk(60)})
    assert same(plain.predict(), plain.predict({"y": walk(60)}))
    hours = {"t": days(60, unit="h").astype("M8[us]"), "y": walk(60)}
    found = forecast().fit(hours)
    assert found.predict()["t"].dtype == "datetime64[s]"
    assert same(found.predict(), found.predict(hours))


def test_evaluated_without_learning(airline):
    found = airline.evaluate("airline")
    assert (found["task"], found["source"]) == ("forecast", "airline")
    assert (found["rows"], found["skipped"]) == (144, 0)
    assert found["scores"]["mase"] < found["baseline"]["mase"]
    several = forecast(["y", "z"], series="shop").fit(shops())
    assert several.evaluate(shops())["rows"] == 120
    assert len(several.evaluate(shops())["notes"]) == 1


def test_steps_that_were_learnt_are_told_from_new_ones():
    table = {"day": days(80), "y": walk(80)}
    model = forecast().fit({name: values[:70] for name, values in table.items()})
    for n, learnt in ((70, True), (72, True), (73, False), (80, False)):
        found = model.evaluate({name: values[:n] for name, values in table.items()})
        assert len(found["notes"]) == learnt
        if learnt:
            assert (
                "some of the last 3 steps were used for training" in found["notes"][0]
            )
    plain = forecast().fit({"y": walk(60)})
    assert plain.evaluate({"y": walk(60)})["notes"] == []  # no one can know


def test_newer_rows_are_continued():
    """Nothing is learnt from them, and the times go on behind them."""
    y = walk(80)
    table = {"day": days(80), "y": y}
    model = forecast().fit({name: values[:70] for name, values in table.items()})
    found = model.predict(table)
    assert found["day"].astype(str).tolist() == [
        "2024-03-21",
        "2024-03-22",
        "2024-03-23",
    ]
    np.testing.assert_array_equal(found["y"], model.forecaster_.predict(y=[y])[0])
    assert not np.array_equal(found["y"], model.predict()["y"])
    short = {name: values[-15:] for name, values in table.items()}  # a window, a week
    np.testing.assert_array_equal(model.predict(short)["y"], found["y"])
    with pytest.raises(ValueError, match="dict: column 'y' has 14 steps; 15 are need"):
        model.predict({name: values[-14:] for name, values in table.items()})
    falling = table | {"y": np.where(np.arange(80) < 75, y, -1.0)}
    logs = forecast(settings=LINE | {"log": True}).fit(table)
    with pytest.raises(ValueError, match="column 'y' is not positive, but the model"):
        logs.predict(falling)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_forecasts():
    nets = forecast(settings=NETS, folds=1, random_state=3)
    table = {"day": days(60), "y": walk(60)}
    one = nets.fit(table)
    scores, first = one.scores_, one.predict()
    assert same(nets.fit(table).predict(), first)
    assert nets.scores_ == scores
    other = forecast(settings=NETS, folds=0, random_state=4).fit(table)
    assert not np.array_equal(other.predict()["y"], first["y"])


# ---- times and seasons ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "seasonal_period", "spacing", "later"),
    [
        (days(70), 7, "1 day", ["2024-03-11", "2024-03-12"]),
        (
            days(70, unit="h"),
            24,
            "1 hour",
            ["2024-01-03T22:00:00", "2024-01-03T23:00:00"],
        ),
        (
            np.arange("2000-01", "2005-11", dtype="M8[M]").astype("M8[D]"),
            12,
            "1 month",
            ["2005-11-01", "2005-12-01"],
        ),
        (
            np.arange("2000-01", "2017-07", 3, dtype="M8[M]").astype("M8[D]"),
            4,
            "3 months",
            ["2017-07-01", "2017-10-01"],
        ),
        (days(70) + 6 * np.arange(70), 1, "7 days", ["2025-05-05", "2025-05-12"]),
    ],
)
def test_seasons_follow_from_the_times(times, seasonal_period, spacing, later):
    model = forecast(horizon=2).fit({"when": times, "y": walk(70)})
    assert (model.time_, model.seasonal_period_, model.spacing_) == (
        "when",
        seasonal_period,
        spacing,
    )
    assert model.predict()["when"].astype(str).tolist() == later
    told = any("no seasonal period was inferred" in note for note in model.notes_)
    assert told == (seasonal_period == 1)
    own = forecast(horizon=2, seasonal_period=5).fit({"when": times, "y": walk(70)})
    assert own.seasonal_period_ == own.forecaster_.seasonal_period == 5
    assert not own.notes_


def test_months_that_end_on_their_last_day():
    ends = np.arange("2000-02", "2005-12", dtype="M8[M]").astype("M8[D]") - 1
    model = forecast(horizon=5).fit({"when": ends, "y": walk(70)})
    assert model.seasonal_period_ == 12
    assert model.predict()["when"].astype(str).tolist() == [
        "2005-11-30",
        "2005-12-31",
        "2006-01-31",
        "2006-02-28",
        "2006-03-31",
    ]


def test_quarters_and_months_as_text(tmp_path):
    lines = [f"{1990 + i // 4}-Q{i % 4 + 1},{v}" for i, v in enumerate(walk(60))]
    (tmp_path / "q.csv").write_text("\n".join(["quarter,y", *lines]) + "\n")
    model = forecast().fit(tmp_path / "q.csv")
    assert (model.time_, model.seasonal_period_) == ("quarter", 4)
    assert model.predict()["quarter"][0] == np.datetime64("2005-01-01")


def test_without_times_rows_are_taken_as_they_come():
    model = forecast().fit({"y": walk(60)})
    assert (model.time_, model.seasonal_period_, model.spacing_) == (None, 1, None)
    assert model.notes_ == [
        "no time column: rows are taken in their order",
        "no seasonal period was inferred; set it with seasonal_period",
    ]
    assert model.predict()["step"].tolist() == [1, 2, 3]
    numbers = {"year": np.arange(1960.0, 2020), "y": walk(60)}
    assert forecast().fit(numbers).time_ is None
    named = forecast(time="year").fit(numbers)
    assert named.predict()["year"].tolist() == [2020, 2021, 2022]
    assert named.spacing_ == "1"


def test_the_first_column_of_dates_is_the_time():
    table = {
        "note": np.array(["x", "y"] * 30, object),
        "born": days(60)[::-1],
        "day": days(60),
        "y": walk(60),
    }
    assert forecast().fit(table).time_ == "born"
    model = forecast(time="day").fit(table)
    assert model.time_ == "day"
    assert model.predict()["day"][0] == np.datetime64("2024-03-01")


def test_rows_come_in_any_order():
    table = {"day": days(60), "y": walk(60)}
    order = np.random.default_rng(0).permutation(60)
    mixed = {name: values[order] for name, values in table.items()}
    assert same(forecast().fit(mixed).predict(), forecast().fit(table).predict())


def test_gaps_and_mistakes_in_times_are_named(tmp_path):
    def lines(*rows):
        path = tmp_path / "t.csv"
        path.write_text("\n".join(["day,y", *rows]) + "\n")
        return path

    good = [f"{day},{value}" for day, value in zip(days(60), walk(60), strict=True)]
    for rows, complaint in (
        (good[:9] + good[10:], "2024-01-10 is missing between 2024-01-09 .line 10"),
        ([*good[:9], ",3", *good[10:]], "column 'day', line 11: the time is missing"),
        ([*good[:9], "oops,3", *good[10:]], "line 11: expected a date, got 'oops'"),
        ([*good[:9], good[8], *good[10:]], "the time 2024-01-09 is duplicated, in"),
        ([*good[:9], "2024-01-10,", *good[10:]], "line 11: a value is missing within"),
        ([*good[:9], "2024-01-10,x", *good[10:]], "line 11: expected a number"),
    ):
        with pytest.raises(TableError, match=complaint):
            forecast().fit(lines(*rows))
    assert forecast().fit(lines(*good)).time_ == "day"


# ---- several series, several targets, what is known beforehand -----------------------


def test_several_series(tmp_path):
    pandas = pytest.importorskip("pandas")
    model = forecast(series="shop").fit(shops())
    assert (model.n_series_, model.n_steps_) == (2, 60)
    assert sorted(model.series_) == ["a", "b"]
    found = model.predict()
    assert list(found) == ["shop", "day", "y", "y low", "y high"]
    assert found["shop"].tolist() == [name for name in model.series_ for _ in range(3)]
    levels = found["y"].reshape(2, 3).mean(axis=1)
    assert np.argmax(levels) == model.series_.index("a")
    names = ("007", "008")  # no numbers, in whichever way they are read
    pandas.DataFrame(shops(names)).to_csv(tmp_path / "t.csv", index=False)
    by_file = forecast(series="shop").fit(tmp_path / "t.csv")
    assert sorted(by_file.series_) == ["007", "008"]
    again = by_file.predict(tmp_path / "t.csv")
    np.testing.assert_allclose(again["y"], by_file.predict()["y"])
    assert again["shop"].tolist() == by_file.predict()["shop"].tolist()


def test_series_are_known_by_name_in_whatever_order_they_come():
    """Each has a scale of its own, which must not be that of another."""
    model = forecast(series="shop").fit(shops())
    table = shops()
    order = np.argsort(table["shop"] != model.series_[1], kind="stable")
    swapped = {name: values[order] for name, values in table.items()}
    assert swapped["shop"][0] == model.series_[1]
    assert same(model.predict(swapped), model.predict())
    one, other = model.evaluate(swapped), model.evaluate(table)
    assert one["scores"] == pytest.approx(other["scores"])
    assert one["baseline"] == pytest.approx(other["baseline"])


def test_series_are_known_in_another_way_of_writing_their_number():
    """As pandas writes whole numbers of a column in which one is missing."""
    model = forecast(series="shop").fit(shops(("1", "2")))
    assert same(model.predict(shops(("1.0", "2.0"))), model.predict())
    with pytest.raises(ValueError, match=r"the series '1(\.0)?' is spelt in two"):
        model.predict(shops(("1", "1.0", "2")))


def test_other_series_are_refused_by_name():
    model = forecast(series="shop").fit(shops())
    one = {k: v[shops()["shop"] == "a"] for k, v in shops().items()}
    with pytest.raises(ValueError, match="dict: the series 'b' is missing; the model"):
        model.predict(one)
    with pytest.raises(
        ValueError, match="series 'c' was not in the training data; the"
    ):
        model.predict(shops(("a", "b", "c")))
    with pytest.raises(
        ValueError, match=r"'A' was not in the training data \(did you mean 'a'\?\)"
    ):
        model.predict(shops(("a", "b", "A")))
    short = {
        k: v[(shops()["shop"] == "a") | (shops()["day"] > days(58)[-1])]
        for k, v in shops().items()
    }
    with pytest.raises(ValueError, match="dict: series 'b' has 2 steps; 15 are needed"):
        model.predict(short)
    with pytest.raises(
        ValueError, match="series 'b' has 2 steps; with seasonal_period=7"
    ):
        forecast(series="shop").fit(short)


def test_several_targets():
    table = {name: values[shops()["shop"] == "a"] for name, values in shops().items()}
    both = forecast(["y", "z"]).fit(table)
    assert (both.targets_, both.n_series_) == (["y", "z"], 1)
    found = both.predict()
    assert [name for name in found if "y" in name] == ["day", "y", "y low", "y high"]
    assert abs(found["y"] - 500).max() < 50
    assert abs(found["z"] - 5000).max() < 50
    alone = forecast(["y"]).fit(table)
    np.testing.assert_array_equal(
        alone.predict()["y"], forecast("y").fit(table).predict()["y"]
    )


def test_several_targets_of_several_series():
    """Each target of each series is forecast from its own past."""
    model = forecast(["y", "z"], series="shop").fit(shops())
    assert (model.n_series_, model.forecaster_.n_series_) == (2, 4)
    found = model.predict()
    for name, level in (("a", 500), ("b", 50)):
        of_shop = found["shop"] == name
        assert abs(found["y"][of_shop] - level).max() < 50
        assert abs(found["z"][of_shop] - 10 * level).max() < 50
        assert (found["z low"] < found["z high"])[of_shop].all()
    assert len(forecast(["y"], series="shop").fit(shops()).predict()["y"]) == 6


def test_what_is_known_beforehand():
    """y follows from the price of the same day alone."""
    price = np.random.default_rng(1).standard_normal(90)
    table = {"day": days(90), "price": price, "y": 100 - 20 * price}
    blind = table | {"y": np.where(np.arange(90) < 87, table["y"], np.nan)}
    for exogenous in ("price", ["price"]):
        model = forecast(exogenous=exogenous, settings=LINE | {"log": False})
        found = model.fit(blind).predict()
        assert found["day"].tolist() == days(90)[87:].tolist()
        np.testing.assert_allclose(found["y"], table["y"][87:], rtol=1e-6)
        assert same(model.predict(blind), found)
    assert model.scores_["mae"] < 1e-6
    known = {name: values[:87] for name, values in table.items()}
    with pytest.raises(
        ValueError, match="dict: 'price' must have values for 3 steps a"
    ):
        model.predict(known)
    later = {name: values[:89] for name, values in blind.items()}
    with pytest.raises(ValueError, match="in rows without a target; got 2"):
        model.predict(later)
    ended = forecast(exogenous=["price"]).fit(known)
    with pytest.raises(ValueError, match="^'price' must have values for 3 .* got 0"):
        ended.predict()
    assert ended.evaluate(known)["scores"]["mae"] < 1e-6 * 100 + 30
    with pytest.raises(TableError, match="no column 'pric'"):
        forecast(exogenous="pric").fit(table)


def test_what_is_known_of_several_series():
    table = shops()
    y = np.where(table["day"] > days(57)[-1], np.nan, table["y"])
    model = forecast(["y", "z"], series="shop", exogenous="price")
    both = model.fit(table | {"y": y, "z": np.where(np.isnan(y), np.nan, table["z"])})
    assert both.n_steps_ == 57
    assert both.predict()["day"][0] == np.datetime64("2024-02-27")


# ---- short series, settings, names ---------------------------------------------------


def test_as_many_folds_as_there_is_room_for():
    """19 steps are learnt from, and a fold takes 3 of them."""
    least = Forecaster(3).shortest()
    assert least == 1 + 8 + 3 + 7
    notes = (
        ["no backtest: the series are too short"],
        ["the series are long enough for only 1 of 3 folds"],
        ["the series are long enough for only 2 of 3 folds"],
        [],
    )
    for n, folds in ((least, 0), (least + 3, 1), (least + 8, 2), (least + 9, 3)):
        model = forecast(settings=LINE | {"intervals": False}).fit({"y": walk(n)})
        assert len(model.backtest_) == folds
        assert (model.scores_ is None) == (folds == 0)
        assert (model.baseline_scores_ is None) == (folds == 0)
        told = [note for note in model.notes_ if "the series are" in note]
        assert told == notes[folds]
    with pytest.raises(ValueError, match=f"'y' has {least - 1} steps; .* {least} are"):
        forecast().fit({"y": walk(least - 1)})
    none = forecast(folds=0).fit({"y": walk(60)})
    assert (none.scores_, none.coverage_, none.backtest_) == (None, None, [])
    assert not any("short" in note for note in none.notes_)


def test_an_error_in_trying_is_not_taken_for_a_short_series():
    class Broken(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            if len(X) < 45:  # as in the first fold, but not with all
                raise ValueError("the disk is full")
            return super().fit(X, y, sample_weight)

    settings = {"estimator": Broken(), "n_estimators": 1, "intervals": False}
    with pytest.raises(ValueError, match="the disk is full"):
        forecast(settings=settings).fit({"y": walk(60)})


def test_without_intervals():
    model = forecast(settings=LINE | {"intervals": False}).fit({"y": walk(60)})
    assert list(model.predict()) == ["step", "y"]
    assert model.coverage_ is None


def test_constant_and_embedded_series():
    model = forecast().fit({"y": np.full(60, 3.0)})
    np.testing.assert_array_equal(model.predict()["y"], [3, 3, 3])
    assert model.scores_["mae"] == 0
    with pytest.raises(TableError, match="no column 'y'"):
        forecast().fit("airline")
    with pytest.raises(TableError, match="holds sequences and is not a table"):
        forecast().fit("parity")


def test_sources_of_every_kind(tmp_path):
    pandas = pytest.importorskip("pandas")
    table = {"day": days(60).astype("M8[us]"), "y": walk(60)}
    frame = pandas.DataFrame(table)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    model = forecast().fit(table)
    for source in (frame, tmp_path / "t.csv", str(tmp_path / "t.parquet")):
        assert same(forecast().fit(source).predict(), model.predict())
        assert same(model.predict(read_table(source)), model.predict())


GOOD = {"day": days(60), "y": walk(60), "step": walk(60), "y low": walk(60)}
REFUSED = {
    "target must name a column to forecast": (forecast(None), GOOD),
    "target must name a column": (forecast([]), GOOD),
    "no column 'yy'": (forecast("yy"), GOOD),
    "no column 'dai'; did you mean 'day'": (forecast(time="dai"), GOOD),
    "no column 'id'": (forecast(series="id"), GOOD),
    "must be different columns": (forecast(time="y"), GOOD),
    "column 'step' would be duplicated": (forecast("step"), {"step": walk(60)}),
    "column 'y low' would be duplicated": (forecast(["y", "y low"]), GOOD),
    "horizon must be a whole number": (forecast(horizon=0), GOOD),
    "seasonal_period must be a whole number": (forecast(seasonal_period=0.5), GOOD),
    "folds must be a whole number": (forecast(folds=-1), GOOD),
    "no setting 'n_estimatrs'; did you mean n_estimators": (
        forecast(settings={"n_estimatrs": 2}),
        GOOD,
    ),
    "horizon is a parameter of ForecastModel": (
        forecast(settings={"horizon": 2}),
        GOOD,
    ),
    "estimator must be one of": (forecast(settings={"estimator": "arima"}), GOOD),
    "column 'y', step 0: -1 has no logarithm": (
        forecast(settings=LINE | {"log": True}),
        {"y": np.r_[-1.0, walk(60)]},
    ),
    "expected a number, got 'x'": (forecast(), {"y": ["x"] * 60}),
    "has columns .y. but no rows": (forecast(), {"y": []}),
    "no such file": (forecast(), "none.csv"),
    "the time 2024-01-01 is duplicated.* pass their column as series=": (
        forecast(),
        {"day": np.tile(days(30), 2), "y": walk(60)},
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_bad_input_is_refused(message):
    model, source = REFUSED[message]
    with pytest.raises(ValueError, match=message) as caught:
        model.fit(source)
    assert "\n" not in str(caught.value)
    assert not hasattr(model, "forecaster_")


def test_bad_input_to_a_fitted_model(airline):
    with pytest.raises(ValueError, match=r"coverage must be a number in \(0, 1\)"):
        airline.predict(coverage=1)
    days_of_year = {"month": days(60), "passengers": walk(60)}
    with pytest.raises(
        ValueError, match="time step is 1 day, but it was 1 month in training"
    ):
        airline.predict(days_of_year)
    with pytest.raises(TableError, match="no column 'month'"):
        airline.predict({"passengers": walk(60)})


@pytest.mark.slow
def test_ctrl_c_ends_at_once_and_keeps_what_was_learnt():
    """Networks learn side by side, and all end after the same epoch."""
    fits = []

    def stop(progress):
        fits.append(progress.epoch)
        if len(fits) == 2:
            raise KeyboardInterrupt

    net = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, callbacks=[stop])
    model = forecast(settings={"estimator": net, "n_estimators": 3})
    model.fit({"y": walk(60)})
    assert len(fits) == 2
    assert model.forecaster_.interrupted_
    assert [one.n_iter_ for one in model.forecaster_.estimators_] == [1, 1, 1]
    assert (model.scores_, model.backtest_) == (None, [])
    assert list(model.predict()) == ["step", "y"]
    with pytest.raises(ValueError, match="no intervals: the fit was interrupted"):
        model.forecaster_.predict_interval()
    fits.clear()

    def later(progress):
        fits.append(progress.epoch)
        if len(fits) == 8:  # 2 networks of 3 epochs are whole
            raise KeyboardInterrupt

    net = net.set_params(callbacks=[later])
    model = forecast(settings={"estimator": net, "n_estimators": 1})
    model.fit({"y": walk(60)})
    assert len(fits) == 8
    assert "interrupted before the backtest" in model.notes_[0]
    assert not model.forecaster_.interrupted_
    assert "y low" in model.predict()


# ---- model files ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of two series with two targets each, and what is known beforehand."""
    table = shops()
    late = table["day"] > days(57)[-1]
    y, z = (np.where(late, np.nan, table[name]) for name in ("y", "z"))
    how = {"series": "shop", "exogenous": ["price"], "folds": 1, "random_state": 0}
    model = forecast(["y", "z"], settings=NETS, **how).fit(table | {"y": y, "z": z})
    path = tmp_path_factory.mktemp("forecasts") / "m.lamina"
    model.save(path)
    return model, path, table | {"y": y, "z": z}


@pytest.mark.slow
def test_a_file_forecasts_the_same_bit_for_bit(saved, tmp_path):
    model, path, table = saved
    loaded = lamina.load(path)
    assert isinstance(loaded, ForecastModel)
    assert same(loaded.predict(), model.predict())
    assert same(loaded.predict(table), model.predict(table))
    assert loaded.evaluate(table) == model.evaluate(table)
    assert (loaded.scores_, loaded.coverage_) == (model.scores_, model.coverage_)
    assert not hasattr(loaded, "backtest_")
    assert isinstance(loaded.settings["estimator"], MLPRegressor)
    loaded.fit(table)  # its settings are whole
    plain = forecast(settings={"estimator": "mlp", "n_estimators": 1}, folds=0)
    plain.fit({"y": walk(40)}).save(tmp_path / "m.lamina")
    assert same(lamina.load(tmp_path / "m.lamina").predict(), plain.predict())
    with pytest.raises(ValueError, match="cannot hold a LinearRegression"):
        forecast().fit({"y": walk(60)}).save(tmp_path / "l.lamina")


DAMAGES = {
    "forecaster must be a fitted Forecaster": ("fitted", "forecaster", [1]),
    "the forecaster does not fit the columns": ("fitted", "targets", ["y"]),
    r"ahead\[0\] must be an array of labels": ("fitted", "ahead", [1, 2]),
    "ahead must be a list .* of length 2": ("fitted", "ahead", []),
    "exogenous values do not fit the series": ("fitted", "later", None),
    "time must be None or a text": ("fitted", "time", 3),
    "scores must be None or a dictionary of mae": ("fitted", "scores", 3),
    "series must be a text": ("parameters", "series", 3),
    "ahead.* must|does not fit the horizon": ("parameters", "horizon", 10**12),
    "spacing must be None or a text; got nothing": ("fitted", "spacing", ...),
}


@pytest.mark.slow
@pytest.mark.parametrize("message", DAMAGES)
def test_damaged_files_are_refused(saved, message, tmp_path):
    part, name, value = DAMAGES[message]
    description, tensors = read(saved[1])
    content = description["models"]["ForecastModel"]["estimator"][part]
    if value is ...:
        del content[name]
    else:
        content[name] = value
    write(tmp_path / "m.lamina", description, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        lamina.load(tmp_path / "m.lamina")
    assert "\n" not in str(caught.value)


def places(value, path=()):
    """Yield the path of every part of a description."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


@pytest.mark.slow
def test_whatever_stands_in_a_file_ends_in_an_error_of_values(saved, rng):
    model, _, table = saved
    whole = list(places(opened(model)[0]))
    values = [None, -1, 10**12, 0.5, "x", [], {}, {"tensor": "none"}]
    for number in rng.permutation(len(whole))[:80]:
        description, tensors = opened(model)
        *outer, last = whole[number]
        part: Any = description
        for key in outer:
            part = part[key]
        part[last] = values[int(rng.integers(len(values)))]
        try:
            damaged = closed(description, tensors)
            damaged.predict()
            damaged.predict(table)
        except ValueError:
            pass
