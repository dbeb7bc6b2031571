"""The Spatial-Module's forward pass by OpenVINO, on a CPU."""

from __future__ import annotations

import copy
import warnings
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.models import SpatialModule


class OpenVinoSpatial(nn.Module):
    """A Spatial-Module, compiled; images are shared out among cores one by one, and no core waits for another's.

    Args:
        spatial: With its weights, which are copied.
        precision: fp32, or bf16 for matrix products where the processor has such.

    Shapes:
        images (B, 3, image_size, image_size) -> (B, embed_dim), float32, without gradients.

    Raises:
        ImportError: OpenVINO is not installed.
        PainlitError: The processor has no bf16.
    """

    def __init__(self, spatial: SpatialModule, precision: str = "fp32"):
        super().__init__()
        import openvino as ov
        from openvino import properties
        from openvino.properties import hint

        self.embed_dim = spatial.embed_dim
        core = ov.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", properties.device.capabilities):
            raise PainlitError("this processor has no bf16 arithmetic")
        network = _converted(copy.deepcopy(spatial.tnt).eval(), [1, 3, spatial.image_size, spatial.image_size])
        threads = torch.get_num_threads()
        settings = {
            hint.inference_precision: ov.Type.bf16 if precision == "bf16" else ov.Type.f32,
            properties.num_streams: threads,
            properties.inference_num_threads: threads,
        }
        self._queue: Any = ov.AsyncInferQueue(core.compile_model(network, "CPU", settings), threads)
        self._in_use = Lock()

    def forward(self, images: Tensor) -> Tensor:
        """Embed images; threads that call at once wait for each other."""
        given = images.numpy(force=True)
        made = np.empty((len(given), self.embed_dim), np.float32)

        def keep(request: Any, number: int) -> None:
            made[number] = request.get_output_tensor(0).data[0]

        with self._in_use:  # a queue has one callback
            self._queue.set_callback(keep)
            try:
                for number in range(len(given)):
                    self._queue.start_async([given[number : number + 1]], number)
            finally:  # also of an interrupt, or what is under way would end up among the next images
                self._queue.wait_all()
        return torch.from_numpy(made)


def _converted(network: nn.Module, shape: list[int]) -> Any:
    """A network for inputs of one shape, as OpenVINO's. `openvino.convert_model` does the same and reports its use."""
    from openvino import PartialShape
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros(shape)
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # deprecated; it has no successor here yet
        traced = torch.jit.trace(network, example, check_trace=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=example)  # must live until it is converted
    made = frontend.convert(frontend.load(decoder))
    made.reshape(PartialShape(shape))
    return made
