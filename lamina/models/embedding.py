"""Unsupervised models of tables and images: embeddings and samples."""

from math import prod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import (
    ImageSet,
    Table,
    TableSchema,
    holds_images,
    read_images,
    read_table,
)
from lamina.data.errors import Message, Setting, UserError
from lamina.data.tables.parsing import texts
from lamina.data.tables.table import as_names
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import NONE, option
from lamina.estimators._core.parameters.constraints import COUNT, sides
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.reporting.embedding_scores import (
    embedding_scores,
    principal_components,
)
from lamina.estimators.unsupervised.autoencoder import Autoencoder
from lamina.estimators.unsupervised.boltzmann import Boltzmann
from lamina.models.defaults import EMBEDDING_MODELS, default_embedding_estimator
from lamina.models.inputs.embedding import (
    BYTE,
    as_texts,
    brightness,
    check_rows,
    constants,
    from_units,
    is_unlabelled_table,
    numbers_of,
    pixels,
    repeated,
    to_units,
    unit_limits,
)
from lamina.models.inputs.image import checked_alike, read_alike
from lamina.models.inputs.table import (
    check_far,
    known_set,
    learnt_from,
    with_known_target,
)
from lamina.models.model_parameters import ColumnParams, ImageFileParams
from lamina.models.source_model import SourceModel
from lamina.models.state import FittedEmbedding
from lamina.networks import Key

UNITS = ("encoder", "layers", "n_components")
"""Settings that determine the number of latent dimensions."""


OTHERS = ", 'gaussian-rbm', 'dbn' or 'dbm'"

NUMBERS_AS_BITS = Message(
    "an RBM with binary units treats columns of numbers as probabilities and fits them "
    "poorly; for numbers use ",
    Setting("model", "gaussian-rbm"),
)

WORSE_THAN_MEAN = (
    "the reconstruction error is worse than that of the mean: try a smaller "
    "learning_rate or more epochs"
)


@estimator
class EmbeddingModel(ColumnParams, ImageFileParams, SourceModel, Estimator):
    """An embedding of a table or of images, learnt without labels and tested.

    ``lamina fit digits --model autoencoder`` creates one. Columns are encoded as in
    :class:`lamina.TableModel`, images resized as in :class:`lamina.ImageModel`; the
    target, if any, is excluded from the inputs. Part of the rows is held out as a test
    set, and used neither for scaling nor for training.

    Equations
    ---------
        x = (v − mean) / scale                   numbers, for autoencoders and Gaussian
                                                 RBMs
        x = (f − low) / (high − low)             features, for binary RBMs, for pixels,
                                                 and for a loss that needs it
        x = byte / 255                           images

    f are the encoded columns; mean, scale, low and high are computed from the training
    rows. If rows are pixels, low and high are those of all columns together, so that
    dark pixels stay darker than bright ones.

    Shapes
    ------
    Embeddings (n_rows, latent_dim), errors (n_rows,); samples are a table of n rows, or
    bytes (n, height, width, channels).

    Attributes
    ----------
    schema_ : TableSchema or ImageSchema
        How the inputs are read.
    estimator_ : the fitted network
    target_ : list of str
        Columns excluded from the inputs as labels.
    latent_dim_ : int
    limits_ : (low, high − low), each ndarray (n_features,), or None
        Of the features, if they are scaled to [0, 1].
    constants_ : dict
        Constant columns and their values.
    image_shape_ : (height, width) or None
    mean_, components_ : ndarrays (d,) and (latent_dim, d) or None
        Mean and principal components of the network's inputs, for the baselines; no
        components if there are many latent dimensions.
    scores_, baseline_scores_, pca_scores_ : dict of float
        Test scores of the network, of the mean, and of PCA with as many components:
        see :mod:`lamina.estimators._core.reporting.embedding_scores`. None is unknown.
    n_train_, n_holdout_, holdout_rows_, best_epoch_, notes_
        As of :class:`lamina.TableModel`.

    References
    ----------
    Hinton & Salakhutdinov (2006), Reducing the dimensionality of data with neural
    networks, Science 313.

    Examples
    --------
    >>> from lamina import EmbeddingModel
    >>> model = EmbeddingModel("autoencoder", 2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 2)
    >>> error = "reconstruction_error"
    >>> model.scores_[error] < model.pca_scores_[error]
    True
    """

    _state_type = FittedEmbedding

    model: str = param(
        default="autoencoder",
        doc="""The network: :class:`lamina.Autoencoder`, :class:`lamina.BernoulliRBM`,
        :class:`lamina.GaussianRBM`, :class:`lamina.DeepBeliefNetwork` or
        :class:`lamina.DeepBoltzmannMachine`.""",
        check=option(*EMBEDDING_MODELS),
        kw_only=False,
    )
    kind = "embedding"

    latent_dim: int | None = param(
        default=None,
        doc="""Latent dimensions: units of the last layer of the encoder (2 by default),
        or hidden units of the RBM, in a stack of the top one (100 by default).""",
        check=COUNT | NONE,
        kw_only=False,
    )
    target: Any = param(
        default=None,
        doc="Column to exclude, or several; bundled data sets know their own.",
    )
    estimator: Any = param(
        default=None,
        doc="""An Autoencoder or a Boltzmann machine to use instead of ``model``. It is
        trained unchanged, except that a missing seed is set.""",
    )
    image_shape: Any = param(
        default=None,
        doc="""(height, width) of the images, for tables whose rows are pixels; bundled
        data sets know it.""",
        check=sides("height", "width") | NONE,
    )
    task: str | None = fixed(default=None, reason="it is trained without a target")

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: Any = None) -> "EmbeddingModel":
        """Learn an embedding.

        Parameters
        ----------
        source : as of :meth:`TableModel.fit` or :meth:`ImageModel.fit`
            Or what :meth:`read_training` returned.
        target : str or list of str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        TableError, ImageError
            If the source cannot be read or used for training.
        ValueError
            If a parameter is invalid.
        """
        target = self.target if target is None else target
        known = known_set(source)
        data, target = self.read_training(source, target)
        shape = self.image_shape
        if shape is None and known is not None:
            shape = known.image_shape
        if isinstance(data, ImageSet):
            self._fit_images(data)
        else:
            self._fit_table(data, as_names(target), shape)
        return self

    def read_training(
        self, source: Any, target: Any = None, **options: Any
    ) -> tuple[Table | ImageSet, Any]:
        """Read training data, and find the target, if there is one.

        Parameters
        ----------
        source, target : as of :meth:`fit`
        **options
            ``progress``, ``threads`` of images.
        """
        self._check_params()
        if not holds_images(source):
            return with_known_target(source, target)
        how = {name: getattr(self, name) for name in ("size", "channels", "resize")}
        how["errors"] = self.errors
        column = as_names(target)[0] if as_names(target) else None
        labels = column is not None or not is_unlabelled_table(source)
        images = read_images(source, column, labels=labels, **how | options)
        return images, None if images.y is None else images.target

    def _check_params(self) -> None:
        super()._check_params()
        both = [name for name in UNITS if name in (self.settings or {})]
        if both and self.latent_dim is not None:
            raise UserError(
                Message(
                    Setting("latent_dim", self.latent_dim),
                    f" and the setting {both[0]!r} set the same number",
                ),
                parameter="latent_dim",
                value=self.latent_dim,
                hint="give only one of them",
            )

    def _check_own(self, estimator: Any, task: str | None) -> None:
        if not isinstance(estimator, Autoencoder | Boltzmann):
            raise ValueError(
                "estimator must be an Autoencoder or a Boltzmann machine, got "
                f"{type(estimator).__name__}"
            )

    def _fit_table(self, table: Table, target: list[str], shape: Any) -> None:
        inputs = table.drop(*target)
        how: dict[str, Any] = {
            "exclude": self.exclude,
            "column_types": self.column_types,
        }
        whole = TableSchema.fit(inputs, **how)
        check_rows(table.source, table.n_rows)
        check_far(inputs, whole)
        shape = pixels(inputs, whole, shape, self.image_shape is not None)
        seed = Key(self._seed())
        train, held = self._split_rows(seed, table.n_rows)
        schema = learnt_from(whole, inputs.take(train))
        features, _ = schema.encoded(inputs)
        estimator = self._chosen_estimator(seed, len(train), schema.width, table.source)
        self.limits_ = None
        if shape is not None or estimator._needs_units:
            self.limits_ = unit_limits(features[train], schema, shape is not None)
        self.schema_, self.target_, self.image_shape_ = schema, target, shape
        self.constants_ = constants(inputs, schema)
        self.notes_ = list(schema.notes)
        if shape is None and estimator._takes_bits and numbers_of(schema):
            self.notes_.append(NUMBERS_AS_BITS)
        labels = texts(table.column(target[0])) if len(target) == 1 else None
        self._learn(
            estimator, to_units(features, self.limits_), labels, train, held, seed
        )

    def _fit_images(self, images: ImageSet) -> None:
        check_rows(images.source, len(images))
        seed = Key(self._seed())
        train, held = self._split_rows(seed, len(images))
        width = prod(images.schema.shape)
        estimator = self._chosen_estimator(seed, len(train), width, images.source)
        self.schema_: Any = images.schema
        self.target_ = [] if images.y is None else [images.target]
        self.limits_ = self.image_shape_ = None
        self.constants_, self.notes_ = {}, list(images.notes)
        labels = None if images.y is None else as_texts(images.y)
        X = _as_taken(brightness(images), estimator)
        self._learn(estimator, X, labels, train, held, seed)

    def _split_rows(self, seed: Key, n: int) -> tuple[np.ndarray, np.ndarray]:
        return self._split(seed.fold_in("holdout"), np.zeros(n), None)

    def _chosen_estimator(self, seed: Key, n_rows: int, width: int, source: str) -> Any:
        """Return the estimator to train.

        Raises
        ------
        ValueError
            If it would learn to copy: as many latent dimensions as features.
        """
        default = default_embedding_estimator(
            self.model, self.latent_dim, n_rows, width
        )
        estimator = self._chosen(default, None, seed)
        if not isinstance(estimator, Autoencoder) or estimator.layers is not None:
            return estimator
        codes = estimator.encoder[-1] if np.size(estimator.encoder) else 0
        bound = estimator.corruption is not None or estimator.sparsity is not None
        if width == 1 and not bound:
            machine = Setting("model", "gaussian-rbm")
            raise UserError(
                "has a single feature, which cannot be embedded in fewer dimensions",
                where=source,
                parameter="model",
                value=self.model,
                hint=Message("to model its distribution, use ", machine),
            )
        if isinstance(codes, int) and codes >= width and not bound:
            raise UserError(
                Message(
                    Setting("latent_dim", codes),
                    f" is not smaller than the number of features, {width}; an "
                    "autoencoder would only copy them",
                ),
                where=source,
                parameter="latent_dim",
                value=codes,
                hint="use fewer latent dimensions, or set corruption or sparsity",
            )
        return estimator

    def _learn(
        self,
        estimator: Any,
        X: np.ndarray,
        labels: np.ndarray | None,
        train: np.ndarray,
        held: np.ndarray,
        seed: Key,
    ) -> None:
        """Train, and compare with PCA and the mean."""
        self._train(estimator, X[train], None)
        self.latent_dim_ = int(self.estimator_._n_features_out)
        self.holdout_rows_ = held
        x = network_inputs(self.estimator_, X[train])
        self.mean_ = x.mean(axis=0, dtype=np.float64)
        self.components_ = principal_components(
            x, self.latent_dim_, seed.fold_in("pca")
        )
        rows = self._scored(train, held)
        some = None if labels is None else labels[rows]
        found = self._scores(X[rows], some)
        self.scores_, self.baseline_scores_, self.pca_scores_ = found
        errors = [scores["reconstruction_error"] for scores in found[:2]]
        if not errors[0] <= errors[1]:
            self.notes_.append(WORSE_THAN_MEAN)

    def _scores(self, X: np.ndarray, labels: np.ndarray | None) -> Any:
        known = self.mean_, self.components_, self.n_train_
        return embedding_scores(
            self.estimator_, X, network_inputs(self.estimator_, X), *known, labels
        )

    # ---- inputs ---------------------------------------------------------------------

    def read(self, source: Any, **options: Any) -> Table | ImageSet:
        """Read data in the same way as the training data.

        :meth:`transform` and the other methods accept the result.

        Parameters
        ----------
        source : as of :meth:`fit`, with or without the target
        **options
            ``errors``, ``progress``, ``threads`` of images.

        Raises
        ------
        TableError, ImageError
            If it cannot be read.
        """
        check_is_fitted(self)
        if self.schema_.of_images:
            how = {"errors": self.errors, **options}
            found = self.target_[0] if self.target_ else None
            if found is not None and is_unlabelled_table(source, found):
                found = None
            return read_alike(source, self.schema_, found, **how)
        return read_table(source, text=self.schema_.text_names)

    def _inputs(self, source: Any) -> np.ndarray:
        """Return the inputs of ``estimator_`` for a source."""
        data = self.read(source)
        if isinstance(data, ImageSet):
            images = checked_alike(data, self.schema_)
            return _as_taken(brightness(images), self.estimator_)
        check_rows(data.source, data.n_rows, least=1)
        return to_units(self.schema_.encode(data), self.limits_)

    def labels(self, source: Any) -> dict[str, np.ndarray]:
        """Return those label columns that the source has."""
        data = self.read(source)
        if isinstance(data, ImageSet):
            return {} if data.y is None else {data.target: data.y}
        there = [name for name in self.target_ if name in data.columns]
        return {name: data.column(name) for name in there}

    # ---- application ----------------------------------------------------------------

    def transform(self, source: Any) -> np.ndarray:
        """Return the embedding of rows or images (n_rows, latent_dim).

        Raises
        ------
        TableError, ImageError
            If the source cannot be read, or does not fit the model.

        Warns
        -----
        UnseenWarning
            If there are categories not seen in training.
        """
        return self.estimator_.transform(self._inputs(source))

    def reconstruction_error(self, source: Any) -> np.ndarray:
        """Return the reconstruction error of each row (n_rows,).

        It is large for rows unlike the training rows: see
        :meth:`lamina.Autoencoder.reconstruction_error`.

        Raises
        ------
        TableError, ImageError
            As :meth:`transform`.
        """
        return self.estimator_.reconstruction_error(self._inputs(source))

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return scores on other data, and those of the mean and of PCA.

        Returns
        -------
        dict
            ``rows``, ``skipped`` (unreadable files), ``scores``,
            ``baseline`` and ``pca``.

        Raises
        ------
        TableError, ImageError
            As :meth:`transform`.
        """
        data = self.read(source)
        X, labels = self._inputs(data), None
        if len(self.target_) == 1:
            found = self.labels(data).get(self.target_[0])
            labels = None if found is None else as_texts(found)
        scores, baseline, pca = self._scores(X, labels)
        return {
            "rows": len(X),
            "skipped": len(getattr(data, "skipped", ())),
            "scores": scores,
            "baseline": baseline,
            "pca": pca,
        }

    @property
    def draws(self) -> bool:
        """Whether the network can generate samples."""
        return self.estimator_._generates

    def sample(
        self,
        n_samples: int = 1,
        n_steps: int = 1000,
        *,
        random_state: int | None = None,
    ) -> Table | np.ndarray:
        """Draw rows of a table, in its units, or images: one per Gibbs chain.

        Pixels, and columns of binary RBMs, are means of the last Gibbs step, so they
        lie within the range of the training data. Numbers of Gaussian RBMs are drawn.
        A category is the most likely one.

        Parameters
        ----------
        n_samples, n_steps : int
        random_state : int, optional
            By default each call draws different samples.

        Returns
        -------
        Table, or bytes (n, height, width, channels)

        Raises
        ------
        ValueError
            If the model is an autoencoder, which cannot generate samples.
        """
        check_is_fitted(self)
        if not self.draws:
            raise UserError(
                "an autoencoder cannot generate samples",
                hint=Message(
                    "fit a generative model: ", Setting("model", "rbm"), OTHERS
                ),
            )
        images = self.schema_.of_images
        mean = images or self.image_shape_ is not None or self.limits_ is not None
        how: dict[str, Any] = {"mean": mean, "random_state": random_state}
        drawn = self.estimator_.sample(n_samples, n_steps, **how)
        if images:
            found = np.clip(np.rint(drawn * BYTE), 0, BYTE).astype(np.uint8)
            return found.reshape(-1, *self.schema_.shape)
        columns = dict(self.schema_.decode(from_units(drawn, self.limits_)).columns)
        for name, value in self.constants_.items():
            columns[name] = repeated(value, n_samples)
        order = [c.name for c in self.schema_.columns if c.name in columns]
        return Table({name: columns[name] for name in order}, "samples")

    # ---- files ----------------------------------------------------------------------


def network_inputs(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return the inputs of a network, one row per example (n, d)."""
    x = np.asarray(estimator._encoded(X))
    return x.reshape(len(x), -1)


def _as_taken(X: np.ndarray, estimator: Any) -> np.ndarray:
    """Return images for an autoencoder, or flattened for an RBM."""
    return X if estimator._takes_images else X.reshape(len(X), -1)
