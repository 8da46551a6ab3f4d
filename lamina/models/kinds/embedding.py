"""Embeddings of tables and images, learnt without labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.image import image_inputs, image_places, listed
from lamina.models.kinds.kind import EmbeddedRows, Fit, Progress, Reading, Samples
from lamina.models.kinds.shared import (
    ColumnOptions,
    FitOptions,
    SizeOptions,
    TargetOptions,
    TrainingOptions,
    parse_shape,
    parse_skip,
    write_size,
)
from lamina.models.kinds.trained import TrainedKind, described
from lamina.models.options import Given, option
from lamina.models.reports import (
    Encoding,
    Inputs,
    Part,
    Predictions,
    ScoreColumn,
    Scores,
    Trial,
)

ERROR = "error"


def learners() -> Sequence[str]:
    """Return the names of the unsupervised models."""
    from lamina.models.defaults import EMBEDDING_MODELS

    return EMBEDDING_MODELS


@dataclass(frozen=True, kw_only=True)
class LatentOptions:
    """Options of unsupervised models."""

    group = "Unsupervised"

    model: str | None = option(
        None,
        "Learn an embedding without labels: autoencoder, rbm, gaussian-rbm (for "
        "numbers), dbn or dbm.",
        metavar="NAME",
        choices=learners,
        hint="omit it to predict a target",
    )
    latent_dim: int | None = option(
        None,
        "Latent dimensions (size of the embedding).",
        metavar="N",
        automatic="2 for an autoencoder, else 100",
        parameter="latent_dim",
    )
    image_shape: str | None = option(
        None,
        "Height and width of the images, if each row is the pixels of one.",
        metavar="HEIGHTxWIDTH",
        parameter="image_shape",
        parse=parse_shape,
        write=write_size,
    )


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions(
    LatentOptions,
    SizeOptions,
    ColumnOptions,
    TrainingOptions,
    FitOptions,
    TargetOptions,
):
    """Options of a fit without labels."""


CODES = {
    "predict": "is an unsupervised model without predictions; use lamina transform "
    "{model} DATA for embeddings",
    "inspect": "is an unsupervised model, which lamina inspect does not support; use "
    "lamina transform {model} DATA -o embedding.png to plot two latent dimensions",
}


class Embeddings(TrainedKind):
    """Rows or images, embedded without labels."""

    name = "embedding"
    noun = "used without labels because of --model"
    plural = "unsupervised models"
    how = "--model autoencoder, rbm, gaussian-rbm, dbn or dbm"
    options = EmbeddingOptions
    lacks = CODES

    def recognises(self, source: str, given: Given) -> bool:
        return "model" in given

    def check(self, source: str, options: Any) -> None:
        super().check(source, options)
        self._check_source(source, options)
        if options.latent_dim is not None and options.latent_dim < 1:
            raise UserError(
                parameter="latent_dim", value=options.latent_dim, expected="at least 1"
            )

    def _check_source(self, source: str, options: Any) -> None:
        from lamina.data import holds_images, holds_sequences
        from lamina.models.kinds.forecast import known_target

        if holds_sequences(source) or known_target(source) is not None:
            learns = Setting("model", options.model)
            raise UserError(
                Message(learns, f" takes tables and images; {source} is a sequence"),
                parameter="model",
                value=options.model,
            )
        images = holds_images(source)
        odd = (
            ("exclude", "column_types", "image_shape")
            if images
            else ("size", "skip_broken")
        )
        for name in odd:
            if getattr(options, name):
                wanted = "tables" if images else "images"
                found = "a set of images" if images else "a table"
                raise UserError(
                    Message(
                        Setting(name), f" applies to {wanted}; {source} is {found}"
                    ),
                    parameter=name,
                    value=getattr(options, name),
                    expected=wanted,
                )

    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        from lamina.data import holds_images
        from lamina.models.embedding import EmbeddingModel
        from lamina.models.inputs.table import known_set

        how = self.parameters(options, EmbeddingModel, progress)
        target = list(options.target) or None
        how["target"] = None
        model = EmbeddingModel(**how)
        if holds_images(source):
            return model, model.read_training(source, target, progress=progress)[0]
        known = known_set(source)
        data, target = model.read_training(source, target)
        whole = not options.exclude and not options.target
        if model.image_shape is None and whole and known is not None:
            model.set_params(image_shape=known.image_shape)
        return model.set_params(target=target), data

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        if model.schema_.of_images:
            return listed(data, model.holdout_rows_, out)
        return data.take(model.holdout_rows_)

    # ---- reports ---------------------------------------------------------------------

    def inputs(self, model: Any) -> Inputs:
        if model.schema_.of_images:
            return image_inputs(model.schema_)
        return Inputs("rows", model.schema_.width)

    def subject(self, model: Any, fit: Fit) -> Part:
        rows = model.n_train_ + model.n_holdout_
        return self._encoding(model, fit.source, rows)

    def purpose(self, model: Any) -> Part:
        return self._encoding(model)

    def _encoding(
        self, model: Any, data: str | None = None, rows: int | None = None
    ) -> Encoding:
        return Encoding(
            self.inputs(model),
            list(model.target_),
            self.learner(model),
            model.latent_dim_,
            model.draws,
            model.schema_.of_images or bool(model.image_shape_),
            data,
            rows,
        )

    def learner(self, model: Any) -> str:
        return type(model.estimator_).__name__

    def scores(self, model: Any) -> Scores:
        of = self.split(model).scored
        return _scores(of, model.scores_, model.pca_scores_, model.baseline_scores_)

    def columns(self, model: Any) -> list[dict[str, str]]:
        return [] if model.schema_.of_images else described(model.schema_)

    def follow(self, model: Any, fit: Fit) -> list[list[str]]:
        path = fit.options.out
        rows = fit.options.save_holdout or fit.source
        out = "embedding.png" if model.latent_dim_ == 2 else "embedding.csv"
        found = [["transform", path, rows, "-o", out]]
        if model.draws:
            pixels = model.schema_.of_images or model.image_shape_
            file = "samples.png" if pixels else "samples.csv"
            found.append(["sample", path, "-o", file])
        return found

    # ---- application -----------------------------------------------------------------

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        if not model.schema_.of_images:
            return model.read(source)
        errors = parse_skip(reading.skip_broken)
        return model.read(source, errors=errors, progress=reading.progress)

    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        found, inputs = model.evaluate(data), self.inputs(model)
        of = f"score on {found['rows']:,} {inputs.examples}"
        return [
            Trial(
                path,
                data.source,
                found["rows"],
                found["skipped"],
                inputs.examples,
                list(model.target_),
                "embedding",
                "unreadable files",
            ),
            inputs,
            _scores(of, found["scores"], found["pca"], found["baseline"]),
        ]

    def transform(self, model: Any, data: Any, errors: bool) -> EmbeddedRows:
        import numpy as np

        codes, labels = model.transform(data), model.labels(data)
        off = model.reconstruction_error(data) if errors else None
        images = model.schema_.of_images
        names, columns = image_places(data) if images else ([], [])
        names, columns = [*names, *labels], [*columns, *labels.values()]
        names += [f"embedding_{number}" for number in range(1, model.latent_dim_ + 1)]
        columns += list(codes.T)
        if off is not None:
            names, columns = [*names, ERROR], [*columns, off.astype(np.float32)]
        table = Predictions(names, columns, data.notes if images else ())
        examples = self.inputs(model).examples
        return EmbeddedRows(table, examples, codes, list(labels), *_colours(labels))

    def latent_dim(self, model: Any) -> int:
        return model.latent_dim_

    def check_can(self, model: Any, command: str, path: str) -> None:
        super().check_can(model, command, path)
        if command == "sample" and not model.draws:
            raise UserError(
                "is an autoencoder, which cannot generate samples",
                where=path,
                hint="fit a generative model: lamina fit DATA --model rbm (or "
                "gaussian-rbm, dbn, dbm)",
            )

    def draws_images(self, model: Any) -> bool:
        return model.schema_.of_images

    def sample_shape(self, model: Any, asked: str | None) -> tuple[int, int] | None:
        if model.schema_.of_images:
            return model.schema_.shape[:2]
        return parse_shape(asked) or model.image_shape_

    def sample(
        self, model: Any, n: int, steps: int, seed: int, shape: tuple[int, int] | None
    ) -> Samples:
        found = model.sample(n, steps, random_state=seed)
        if model.schema_.of_images:
            return Samples(images=found)
        if shape is not None:
            return Samples(images=_pixels(model, found, shape))
        return Samples(
            Predictions(found.names, [_short(found[n]) for n in found.names])
        )


def _scores(of: str, scores: Any, pca: Any, baseline: Any) -> Scores:
    columns = (
        ScoreColumn("scores", "network", scores),
        ScoreColumn("pca", "PCA", pca),
        ScoreColumn("baseline", "baseline (mean)", baseline),
    )
    return Scores(of, columns)


def _colours(labels: dict[str, Any]) -> tuple[Any, str]:
    """Return the values that colour a scatter plot, and their name."""
    import numpy as np

    from lamina.estimators._core.reporting.embedding_scores import comparable
    from lamina.models.inputs.embedding import as_texts

    if not labels:
        return None, ""
    name, values = next(iter(labels.items()))
    texts = as_texts(values)
    number = np.asarray(values).dtype.kind == "f" and comparable(texts) is None
    return values if number else texts, name


def _pixels(model: Any, found: Any, shape: tuple[int, int]) -> Any:
    """Return rows of pixels as images of bytes."""
    import numpy as np

    from lamina.models.inputs.embedding import as_images

    values, (low, high) = as_images(found, shape, model.schema_, model.limits_)
    bright = (values - low) / (high - low if high > low else 1)
    return np.rint(255 * bright.clip(0, 1)).astype(np.uint8)[..., None]


def _short(column: Any) -> Any:
    """Return a column with the precision of the network."""
    import numpy as np

    return column.astype(np.float32) if column.dtype.kind == "f" else column
