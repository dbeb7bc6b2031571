"""A network of faces that the user has: an ONNX or TFLite file that reads a face crop, run by OpenCV."""

from __future__ import annotations

from threading import Lock
from typing import Any

import cv2
import numpy as np

from painlit.errors import PainlitError

FORMATS = (".onnx", ".tflite")
_TFLITE = slice(4, 8), b"TFL3"  # the file identifier of its flatbuffer


class FaceNetwork:
    """The network of a file. Threads may share it; each process, and each copy, reads it anew.

    Args:
        content: Of the file.
        name: Of the file, for errors.
        output: Its layer whose values are wanted; empty takes the first output.
    """

    def __init__(self, content: bytes, name: str, output: str = ""):
        self.content, self.name, self.output = content, name, output
        self._network: Any = None
        self._lock = Lock()  # a network of OpenCV holds one input

    def __reduce__(self) -> Any:
        return FaceNetwork, (self.content, self.name, self.output)

    def outputs(self, image: np.ndarray) -> np.ndarray:
        """What the network gives for a face crop.

        Args:
            image: (3, S, S) RGB, as the network wants it scaled.

        Returns:
            (n,) float32.

        Raises:
            PainlitError: OpenCV cannot read the network, feed it or find its output, or a value is not finite.
        """
        side = image.shape[-1]
        try:
            with self._lock:
                if self._network is None:
                    where, identifier = _TFLITE
                    tflite = self.content[where] == identifier
                    read = cv2.dnn.readNetFromTFLite if tflite else cv2.dnn.readNetFromONNX
                    self._network = read(np.frombuffer(self.content, np.uint8))
                self._network.setInput(np.ascontiguousarray(image[None], np.float32))
                values = self._network.forward(self.output or self._network.getUnconnectedOutLayersNames()[0])
        except cv2.error as error:
            raise PainlitError(
                f"{self.name} cannot be run on {side} x {side} px: {error.err.strip().partition(chr(10))[0]}",
                "see the size and output that are set for it, whether its file is whole, and whether OpenCV reads it",
            ) from error
        if values is None:
            raise PainlitError(f"{self.name} gives nothing for {side} x {side} px", "check its size and output")
        if not np.isfinite(values).all():
            raise PainlitError(f"{self.name} gives values that are not finite", "check its mean and std, and its file")
        return values.ravel().astype(np.float32)
