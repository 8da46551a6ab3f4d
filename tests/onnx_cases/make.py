"""Write ``cases.npz``: golden cases for images and sequences from the ``onnx`` package.

    pip install onnx==1.23.2
    python tests/onnx_cases/make.py

They are taken out once, because onnx with protobuf weighs 35 MB and makes all of its
1,884 cases, in four seconds, before it hands out these.

For every case there are its operator, its attributes and its arrays, as onnx has them
(channels first, time first), numbered as the operator's inputs and outputs are. Arrays
of the cases in ``LEFT_OUT`` are not kept; the reason is.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

OUTPUTS = {
    "AveragePool": 1,
    "Conv": 1,
    "ConvTranspose": 1,
    "GRU": 2,
    "GlobalAveragePool": 1,
    "GlobalMaxPool": 1,
    "GroupNormalization": 1,
    "LSTM": 2,
    "LayerNormalization": 1,
    "MaxPool": 1,
    "RNN": 2,
}
"""How many outputs of an operator layers have: no places of maxima, no last C."""

THREE = "three axes of places: layers here have one or two"
DILATED = "pools have no dilation"
OVER_EXAMPLES = "normalises over the examples of a batch"
MORE_PLACES = "asks for more places than the fewest that the convolution leads back to"

LEFT_OUT = {
    "averagepool_2d_dilations": DILATED,
    "averagepool_3d_default": THREE,
    "averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": THREE,
    "averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": THREE,
    "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": THREE,
    "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": THREE,
    "averagepool_3d_dilations_small": THREE,
    "convtranspose_3d": THREE,
    "convtranspose_kernel_shape": MORE_PLACES,
    "convtranspose_output_shape": MORE_PLACES,
    "convtranspose_pad": MORE_PLACES,
    "layer_normalization_2d_axis0": OVER_EXAMPLES,
    "layer_normalization_2d_axis_negative_2": OVER_EXAMPLES,
    "layer_normalization_3d_axis0_epsilon": OVER_EXAMPLES,
    "layer_normalization_3d_axis_negative_3_epsilon": OVER_EXAMPLES,
    "layer_normalization_4d_axis0": OVER_EXAMPLES,
    "layer_normalization_4d_axis_negative_4": OVER_EXAMPLES,
    "maxpool_2d_dilations": DILATED,
    "maxpool_2d_uint8": "pools are for floating-point numbers: Rescale makes them",
    "maxpool_3d_default": THREE,
    "maxpool_3d_dilations": THREE,
    "maxpool_3d_dilations_use_ref_impl": THREE,
    "maxpool_3d_dilations_use_ref_impl_large": THREE,
}


def main() -> None:
    """Take the cases out and write them beside this file."""
    from onnx.backend.test.loader import load_model_tests
    from onnx.helper import get_attribute_value

    about, arrays = {}, {}
    for case in load_model_tests(kind="node"):
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OUTPUTS:
            continue
        (node,), name = nodes, case.name.removeprefix("test_")
        attributes = {a.name: plain(get_attribute_value(a)) for a in node.attribute}
        about[name] = {"operator": node.op_type, "attributes": attributes}
        if name in LEFT_OUT:
            about[name]["left_out"] = LEFT_OUT[name]
            continue
        inputs, outputs = case.datasets[0]
        arrays |= numbered(f"{name}/input", node.input, inputs)
        wanted = node.output[: OUTPUTS[node.op_type]]
        arrays |= numbered(f"{name}/output", wanted, outputs)
    assert about.keys() >= LEFT_OUT.keys()
    path = Path(__file__).with_name("cases.npz")
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)


def numbered(what: str, names: Sequence[str], arrays: list) -> dict[str, np.ndarray]:
    """Return arrays by their places; those that a case leaves out have no name."""
    places = [i for i, name in enumerate(names) if name]
    return {f"{what}{i}": np.asarray(a) for i, a in zip(places, arrays, strict=False)}


def plain(value: object) -> object:
    """Return JSON types."""
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if hasattr(value, "__iter__") else value


if __name__ == "__main__":
    main()
