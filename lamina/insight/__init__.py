"""Inspection of trained networks: functions return arrays with a ``figure`` method."""

from lamina.insight.deconvnet import Deconvolution, deconvolution
from lamina.insight.features import (
    FeatureMaps,
    Filters,
    Patches,
    feature_maps,
    filters,
    top_patches,
)
from lamina.insight.maximise import Ascent, Maximised, maximising_input
from lamina.insight.network_view import layers
from lamina.insight.saliency import Occlusion, Saliency, occlusion, saliency
from lamina.insight.scatter import scatter

__all__ = [
    "Ascent",
    "Deconvolution",
    "FeatureMaps",
    "Filters",
    "Maximised",
    "Occlusion",
    "Patches",
    "Saliency",
    "deconvolution",
    "feature_maps",
    "filters",
    "layers",
    "maximising_input",
    "occlusion",
    "saliency",
    "scatter",
    "top_patches",
]
