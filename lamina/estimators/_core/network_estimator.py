"""Summary, diagnostics and pickling of estimators with a network."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.estimators._core.parameters.shared import CommonParams
from lamina.estimators._core.reporting.diagnosis import settled_records
from lamina.estimators._core.reporting.summary import layer_table
from lamina.learning.diagnostics.recorder import Recorder, table
from lamina.networks import Key, Network
from lamina.storage import Checkpoint


class NetworkEstimator(CommonParams):
    """Base of the estimators with a network, beside ``Estimator``.

    Attributes
    ----------
    network_ : Network
        Description of the network.
    params_ : tuple of dict of ndarray
        Its parameters, one dictionary per layer.
    history_ : dict of list
        One number per epoch: ``loss``, and with validation ``validation_loss`` and
        ``score``.
    n_iter_ : int
        Epochs of the last call of ``fit``.
    n_compiles_ : int
        Number of programs that ``fit`` compiled; 0 if the structure was known.
    diagnostics_ : dict of list
        Statistics of the layers during training.
    stop_reason_ : str
        Why training ended: "finished", "stopped", "diverged" or "interrupted".
    resumed_from_ : int or None
        Epochs in the checkpoint when ``fit`` began; None without one.
    """

    network_: Network
    params_: Any
    n_features_in_: int  # set by scikit-learn's validation
    history_: dict[str, list[float]]
    n_iter_: int
    n_compiles_: int
    stop_reason_: str
    resumed_from_: int | None
    t_: int

    _run_key: Key
    _epochs: int
    _state: Any
    _state_owner: str | None

    _advice = "raise max_iter, the learning rate or tol."
    """Advice if training has used up its epochs."""

    _is_recorded = True
    """Whether diagnostics are recorded, which need the gradients of a loss."""

    _checkpoint: Checkpoint | None = None
    _recorder: Recorder | None = None
    _diagnostics: dict[str, np.ndarray] | None

    def summary(self) -> str:
        """Return a table of layers, shapes and parameters, and the diagnosis, as text.

        Raises
        ------
        NotFittedError
            If there is no network yet.
        """
        check_is_fitted(self)
        table = layer_table(self.network_, self.params_, self._input_shape())
        advice = getattr(self, "diagnosis_", None)
        return table if advice is None else f"{table}\nadvice: {advice}"

    @property
    def diagnostics_(self) -> dict[str, list]:
        """Statistics of the layers during training, as columns:
        ``pandas.DataFrame(diagnostics_)``.

        One row for each recorded epoch and layer. Epoch 0 is before training. Layers
        are counted from 1, without those that have no units (Dropout). The statistics
        are those of up to 64 equally spaced training examples, in inference mode:

        ``variance``
            Variance of a unit's activation over the examples, mean over units.
        ``delta``
            √(mean over examples of ‖δ‖²), δ = ∂ℓ/∂h of the example's loss.
        ``update``
            ‖Δθ‖ / ‖θ‖ per epoch since the last record; NaN in the first one.
        ``saturated``
            Of logistic and tanh layers, the share of units with |φ′(h)| < 0.05 max |φ′|
            for at least 95 % of the examples; otherwise NaN.
        ``dead``
            Of ReLU layers, the share of units that are 0 for all examples; otherwise
            NaN.

        A record is taken about every 10 ms of training, as estimated from the sizes,
        and at most 16 within the first second; the first and the last epoch are always
        recorded. The statistics of a short run are computed when they are first read.
        """
        check_is_fitted(self)
        return table(settled_records(self))

    def _dtype(self) -> np.dtype:
        return np.dtype(self.dtype)

    def _input_shape(self) -> tuple[int, ...]:
        """Return the shape of an example as the network sees it."""
        return (self.n_features_in_,)

    def _output_positions(self) -> tuple[int, ...]:
        """Return the positions of an example, if each has its own target."""
        return ()

    def __getstate__(self) -> Any:
        """Pickle the diagnostics, but not the examples behind them."""
        settled_records(self)
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_recorder"}
