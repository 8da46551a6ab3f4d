"""The command line: thin; what the commands do is in :mod:`lamina.app.jobs`
and :mod:`lamina.app.fitting`."""

import gc
import io
import os
import sys
from typing import Annotated, Any

import typer

import lamina
from lamina.app import streams
from lamina.app.exits import INTERRUPTED, run
from lamina.app.words import printable, say

EPILOG = (
    "Start with: lamina fit iris · lamina data lists the data sets that come with it"
)

app = typer.Typer(
    name="lamina",
    help="Neural networks for tables, pictures, sequences and forecasts: fit one, look "
    "at it, predict.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _path(value: str | None) -> str | None:
    """Refuse an empty path, which would mean the current folder."""
    if value == "":
        raise typer.BadParameter("it must be a path or a name, got ''")
    return value


Data = Annotated[
    str,
    typer.Argument(
        callback=_path,
        metavar="DATA",
        help="A table (.csv .tsv .parquet .json, also .gz), '-' for standard input, "
        "or the name of an embedded data set; or pictures: a folder with one "
        "sub-folder for each class, a table with a column of paths, an IDX file; or "
        "sequences: a .ts file, a table with --series.",
    ),
]
Model = Annotated[
    str,
    typer.Argument(callback=_path, metavar="MODEL", help="A .lamina model file."),
]
SkipBroken = Annotated[
    bool,
    typer.Option(
        "--skip-broken",
        help="Leave pictures out that cannot be read, instead of refusing them all.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else.")
]


def _version(wanted: bool) -> bool:
    if wanted:
        print(f"lamina {lamina.__version__}")
        raise typer.Exit()
    return False


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def fit(
    data: Data,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="COLUMN",
            help="Column to predict; several times for several.",
        ),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            callback=_path,
            metavar="FILE",
            help="Where the model goes.",
        ),
    ] = "model.lamina",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="NAME=VALUE",
            help="A parameter of the network, such as max_iter=50, solver=lbfgs or "
            "'layers=[Dense(64), Dropout(0.3)]'.",
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(help="Share of the rows held out for the scores; 0.2."),
    ] = None,
    holdout_out: Annotated[
        str | None,
        typer.Option(
            callback=_path,
            metavar="FILE",
            help="Write the held-out rows to this CSV file.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    task: Annotated[
        str | None,
        typer.Option(help="classification or regression; found from the target."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", "-x", metavar="COLUMN", help="A column to leave out."
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="COLUMN=KIND",
            help="number, category, date or ignore, where the kind found is wrong.",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            callback=_path,
            metavar="FOLDER",
            help="Write the state of the training there from time to time; the same "
            "command again goes on from it, bit for bit.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            callback=_path,
            metavar="FOLDER",
            help="Like --checkpoint, but there has to be one to go on from.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHTxWIDTH",
            help="Size that pictures are brought to, such as 64 or 48x64; found from "
            "the pictures, at most 128.",
        ),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Each row is a step; this column says of which sequence.",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column that orders the steps."),
    ] = None,
    forecast: Annotated[
        list[str] | None,
        typer.Option(
            "--forecast",
            metavar="COLUMN",
            help="Column whose next steps are to be told; several times for several.",
        ),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="How many steps to forecast; 12.")
    ] = None,
    season: Annotated[
        int | None,
        typer.Option(help="Steps of a season, such as 12; found from the times."),
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(
            "--known",
            metavar="COLUMN",
            help="Column that is known beforehand, for the steps to forecast too.",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(help="On how many known ends a forecast is tried; 3."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Learn codes without labels: autoencoder, rbm, gaussian-rbm (for "
            "numbers), dbn or dbm.",
        ),
    ] = None,
    codes: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Numbers of a code; 2 of an autoencoder, or else 100."
        ),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHTxWIDTH",
            help="With --model: each row is the pixels of a picture.",
        ),
    ] = None,
    skip_broken: SkipBroken = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no report.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network on a table, pictures or sequences, score it, write a model.

    It learns to predict a column, the kind of a picture or of a sequence, or what
    follows; with --model it learns codes, without labels.
    """
    from lamina.app import fitting
    from lamina.app.options import FitOptions

    options = FitOptions(
        target=target or (),
        out=out,
        sets=sets or (),
        kinds=kind or (),
        exclude=exclude or (),
        holdout=holdout,
        holdout_out=holdout_out,
        seed=seed,
        task=task,
        checkpoint=checkpoint,
        resume=resume,
        size=size,
        skip_broken=skip_broken,
        series=series,
        time=time,
        forecast=forecast or (),
        horizon=horizon,
        season=season,
        known=known or (),
        folds=folds,
        progress=not quiet and sys.stderr.isatty(),
        model=model,
        codes=codes,
        shape=shape,
    )
    report = fitting.fit(data, options)
    if as_json or (streams.is_open() and not quiet):
        _show(report, as_json)
    if report["stopped"] == "interrupted":
        raise typer.Exit(INTERRUPTED)


@app.command()
def predict(
    model: Model,
    data: Data,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            callback=_path,
            metavar="FILE",
            help="CSV file for the predictions; standard output if not given.",
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Predict for each row, picture or sequence, or what follows, as CSV."""
    from lamina.app import jobs, opening, reports, tables

    if out is not None:
        opening.check_out(out, data, model)
    predictions = jobs.predict(model, data, proba, skip_broken)
    say("note", predictions.notes)
    say("warning", predictions.warnings)
    if not as_json or out is not None:
        tables.write_predictions(predictions, out)
    if as_json:
        report: dict[str, Any] = {"command": "predict", "model": model, "data": data}
        rows = {"out": out} if out else {"predictions": predictions.records}
        report |= {"rows": len(predictions.columns[0])} | predictions.told
        print(reports.as_json(report | rows))
    elif out is not None:
        n = len(predictions.columns[0])
        print(f"{n:,} predictions written to {printable(out)}", file=sys.stderr)


@app.command()
def transform(
    model: Model,
    data: Data,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            callback=_path,
            metavar="FILE",
            help="CSV file for the codes, or .png, .svg or .pdf for a map of two; "
            "standard output if not given.",
        ),
    ] = None,
    errors: Annotated[
        bool,
        typer.Option("--errors", help="Add how badly each row is made again."),
    ] = False,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Tell the codes of rows or pictures, as CSV or as a map."""
    from lamina.app import codes, reports, tables

    report, found = codes.transform(model, data, out, errors, skip_broken)
    say("note", found.notes)
    say("warning", found.warnings)
    if as_json:
        rows = {} if out else {"rows_of_codes": found.records}
        print(reports.as_json(report | rows))
    elif out is None:
        tables.write_predictions(found, None)
    else:
        _show(report, False)


@app.command()
def sample(
    model: Model,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            callback=_path,
            metavar="FILE",
            help="A .png of pictures, or a CSV file; rows go to standard output, "
            "pictures to samples.png if not given.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many.")] = 100,
    steps: Annotated[int, typer.Option(help="Gibbs steps of each.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    shape: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHTxWIDTH", help="How columns of pixels lie in a picture."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw rows or pictures from a Boltzmann machine."""
    from lamina.app import codes, reports, tables

    options = codes.SampleOptions(out, n, steps, seed, shape)
    report, found = codes.sample(model, options)
    if as_json:
        rows = {"rows": found.records} if found and out is None else {}
        print(reports.as_json(report | rows))
    elif report["out"] is None and found is not None:
        tables.write_predictions(found, None)
    else:
        _show(report, False)


@app.command()
def evaluate(
    model: Model, data: Data, skip_broken: SkipBroken = False, as_json: Json = False
) -> None:
    """Score a model on a table, pictures or sequences that hold the answers."""
    from lamina.app import jobs

    report = jobs.evaluate(model, data, skip_broken)
    say("warning", report["warnings"])
    _show(report, as_json)


@app.command()
def summary(model: Model, as_json: Json = False) -> None:
    """Show a model's layers, columns and scores."""
    from lamina.app import jobs

    _show(jobs.summary(model), as_json)


@app.command(name="inspect")
def inspect_model(
    model: Model,
    what: Annotated[
        str | None,
        typer.Option(
            help="filters, maximise; with --image also maps, patches, deconvolution, "
            "saliency, occlusion. Filters, or with --image saliency, by default."
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            callback=_path,
            metavar="PICTURE",
            help="What the model is to look at; for patches a folder of pictures.",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of a layer; the report lists them."),
    ] = None,
    unit: Annotated[
        int | None, typer.Option(metavar="N", help="Number of a unit of that layer.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS", help="Class to explain; the predicted one by default."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Of saliency: gradient, integrated or smooth; of deconvolution: "
            "deconvnet, guided or gradient.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            callback=_path,
            metavar="FILE",
            help="Where the figure goes: .png, .svg or .pdf; filters.png, say.",
        ),
    ] = None,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Draw what a model of pictures has learnt, or why it answers as it does."""
    from lamina.app import jobs

    options = jobs.InspectOptions(
        what, image, layer, unit, target, method, out, skip_broken
    )
    _show(jobs.inspect(model, options), as_json)


@app.command(name="data")
def data_sets(as_json: Json = False) -> None:
    """List the embedded data sets."""
    from lamina.app import jobs

    _show(jobs.data_sets(), as_json)


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        from lamina.app.reports import as_json as text

        print(text(report))
    else:
        from lamina.app.render import SHOW

        SHOW[report["command"]](report)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 is success, 1 bad input, 2 a command that is written wrongly, 130 Ctrl-C, 141 a
    reader that went away.
    """
    streams.open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    gc.set_threshold(100_000, 50, 50)  # importing makes many objects and no garbage
    status = run(lambda: app(arguments, standalone_mode=False, prog_name="lamina"))
    sys.stderr.flush()
    # All files are closed and on the disk; taking the libraries down in order would
    # cost a third of a second that a person waits for.
    os._exit(status)


if __name__ == "__main__":
    main()
