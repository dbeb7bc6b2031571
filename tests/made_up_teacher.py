"""A teacher in miniature: a network that gives the mean colour of the four quarters of what it sees."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

SIZE = 8


def write_teacher(path: Path, size: int = SIZE, constant: bool = False) -> Path:
    """An ONNX file of it, (1, 3, size, size) -> (1, 12); `constant` gives the same for everything."""
    shape = [1, 3, size, size]
    pooled = helper.make_node(
        "AveragePool", ["image"], ["quarters"], kernel_shape=[size // 2] * 2, strides=[size // 2] * 2
    )
    flat = helper.make_node("Flatten", ["quarters"], ["flat"])
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [1], [0.0 if constant else 1.0])
    scaled = helper.make_node("Mul", ["flat", "scale"], ["means"])
    graph = helper.make_graph(
        [pooled, flat, scaled],
        "quarters",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, [1, 12])],
        [scale],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path
