"""The published MTCNN weights, read from the files of the package `mtcnn` without importing it.

The package (MIT) stores each network as a joblib pickle of plain arrays, compressed by lz4. A pickle can run any code,
so it is read by an unpickler that knows arrays and nothing else.
"""

import importlib.util
import io
import math
import pickle
from pathlib import Path

import lz4.frame
import numpy as np
import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.signals.video.mtcnn_networks import ONet, PNet, RNet


def load_mtcnn() -> tuple[PNet, RNet, ONet]:
    """The three networks with their published weights, in evaluation mode, on the CPU.

    Raises:
        PainlitError: The package `mtcnn`, version 1.0 or later, is not installed.
    """
    folder = _weights_folder()
    networks = PNet(), RNet(), ONet()
    for network, name in zip(networks, ("pnet.lz4", "rnet.lz4", "onet.lz4"), strict=True):
        load_keras_arrays(network, read_arrays(folder / name))
        network.eval().requires_grad_(False)
    return networks


def load_keras_arrays(network: nn.Module, arrays: list[np.ndarray]) -> None:
    """Fill a network's parameters, in order, from Keras arrays in the order in which Keras stores them.

    Convolutions are (height, width, in, out). A dense layer is (in, out); the first one after a convolution has its
    inputs in the order width, height, channel, where torch flattens channel, height, width.
    """
    parameters = list(network.parameters())
    if len(parameters) != len(arrays):
        raise ValueError(f"{type(network).__name__} has {len(parameters)} parameters, the file {len(arrays)} arrays")
    channels = 0  # of the convolution before
    for parameter, array in zip(parameters, arrays, strict=True):
        value = torch.from_numpy(array.copy())
        if value.ndim == 4:
            value = value.permute(3, 2, 0, 1)
            channels = value.shape[0]
        elif value.ndim == 2:
            value = _channels_first(value, channels).T if channels else value.T
            channels = 0
        parameter.data.copy_(value.reshape(parameter.shape))


def _channels_first(dense: Tensor, channels: int) -> Tensor:
    side = math.isqrt(dense.shape[0] // channels)
    return dense.view(side, side, channels, -1).permute(2, 1, 0, 3).reshape(dense.shape)  # (w, h, c) -> (c, h, w)


def read_arrays(path: Path) -> list[np.ndarray]:
    """The arrays of a list saved by `joblib.dump(..., compress="lz4")`.

    Raises:
        pickle.UnpicklingError: The file holds anything but arrays.
    """
    stream = io.BytesIO(lz4.frame.decompress(path.read_bytes()))

    class ArrayInStream:  # joblib writes an array's header as an object and its bytes right after that
        def __setstate__(self, header: dict) -> None:
            stream.read(stream.read(1)[0])  # alignment: the number of bytes to skip, then those
            data = stream.read(header["dtype"].itemsize * math.prod(header["shape"]))
            self.array = np.frombuffer(data, header["dtype"]).reshape(header["shape"], order=header["order"])

    known = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): ArrayInStream,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    class ArrayUnpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> type:
            if (module, name) not in known:
                raise pickle.UnpicklingError(f"{path.name} wants {module}.{name}; only arrays are read from it")
            return known[module, name]

    return [item.array for item in ArrayUnpickler(stream).load()]


def _weights_folder() -> Path:
    package = importlib.util.find_spec("mtcnn")
    for root in (package.submodule_search_locations or []) if package else []:
        folder = Path(root) / "assets" / "weights"
        if (folder / "pnet.lz4").is_file():
            return folder
    raise PainlitError(
        "The MTCNN weights are not installed: no package `mtcnn` with assets/weights/pnet.lz4",
        'pip install "mtcnn>=1.0" (its TensorFlow code is not used, so TensorFlow is not needed)',
    )
