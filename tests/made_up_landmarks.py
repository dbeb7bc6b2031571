"""A network of face landmarks in miniature: a still face whose mouth is as wide as the lower right quarter is red."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

RED_OF_LOWER_RIGHT = 3
"""Its place among the means of quarters: colours in the order of RGB, then upper left to lower right."""


def still_face(count: int = 468) -> np.ndarray:
    """Landmarks, (count, 3), scattered over 32 px, with the eyes 16 px apart and level."""
    points = np.random.default_rng(0).uniform(4, 28, (count, 3)).astype(np.float32)
    points[33], points[263] = (8, 12, 0), (24, 12, 0)
    points[61], points[291] = (12, 24, 0), (20, 24, 0)
    return points


def face_of(red: float, count: int = 468) -> np.ndarray:
    """Its landmarks, (count, 3), of an image whose lower right quarter has this mean red, in 0..1."""
    points = still_face(count)
    points[291, 0] += 4 * red
    return points


def write_landmarks(path: Path, size: int = 16, count: int = 468) -> Path:
    """An ONNX file of it, (1, 3, size, size) -> (1, 1, 1, 3 · count), as the real one gives them."""
    half = size // 2
    response = np.zeros((12, 3 * count), np.float32)
    response[RED_OF_LOWER_RIGHT, 3 * 291] = 4
    nodes = [
        helper.make_node("AveragePool", ["image"], ["quarters"], kernel_shape=[half] * 2, strides=[half] * 2),
        helper.make_node("Flatten", ["quarters"], ["means"]),
        helper.make_node("MatMul", ["means", "response"], ["moved"]),
        helper.make_node("Add", ["moved", "still"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["landmarks"]),
    ]
    constants = {
        "response": response,
        "still": still_face(count).reshape(1, -1),
        "shape": np.array([1, 1, 1, 3 * count], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "landmarks",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("landmarks", onnx.TensorProto.FLOAT, [1, 1, 1, 3 * count])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path
