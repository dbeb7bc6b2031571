"""The networks of a part as ONNX: each kind of network is traced once, and an ensemble is copies with other weights.

embedder.onnx   crops (n, 3, S, S) -> embeddings (n, K): each frame once, however many windows hold it
pain.onnx       embeddings (batch, F, K), bpm (batch, H) -> probabilities (batch, C)
model.onnx      both: crops (batch, F, 3, S, S), bpm (batch, H) -> probabilities; frames go through one by one

Without video there is model.onnx alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.inference.export.packages import needed
from painlit.inference.export.part_networks import Part
from painlit.inference.export.ports import EMBEDDER, PAIN, WHOLE, Port, ports

OPSET = 20
LARGEST = 2_000_000_000
"""Bytes of weights: a file of ONNX holds 2 GiB at most."""


class Traced(NamedTuple):
    """A network as ONNX nodes, whose weights are still to be given."""

    model: Any
    inputs: tuple[str, ...]


def onnx_graphs(part: Part) -> dict[str, Any]:
    """The graphs of a part by name, as ONNX models; without video there is `model` alone.

    Raises:
        PainlitError: A package is missing, or the weights are too many for a file.
    """
    needed("onnx", "export.to=onnx")
    needed("onnxscript", "export.to=onnx")
    _refuse_too_large(part)
    pain = _pain_graph(part)
    if not part.embedders:
        return {WHOLE: _model(pain, WHOLE)}
    embedder = _embedder_graph(part)
    graphs = {WHOLE: _whole_graph(part, embedder, pain), EMBEDDER: embedder, PAIN: pain}
    return {name: _model(graph, name) for name, graph in graphs.items()}


def _embedder_graph(part: Part) -> Any:
    from onnx import helper

    (given,), (made,) = ports(part)[EMBEDDER]
    example = torch.zeros(3, 3, part.side, part.side, dtype=torch.uint8)
    traced = _traced(next(iter(part.embedders.values())), {"crops": example})
    graph = _graph("embedder", [given], [made])
    outputs = [_add(graph, traced, network, f"{name}/", ["crops"]) for name, network in part.embedders.items()]
    graph.node.append(helper.make_node("Concat", outputs, ["embeddings"], axis=1))
    return graph


def _pain_graph(part: Part) -> Any:
    from onnx import helper

    inputs, outputs = ports(part)[PAIN if part.embedders else WHOLE]
    network, embedder = part.models[0]
    width = part.widths[embedder] if embedder else 0
    examples: dict[str, Tensor] = {}
    if embedder:
        examples["rows"] = torch.zeros(3, part.frames, width, dtype=torch.float16)
    if part.heart_rates:
        examples["bpm"] = torch.full((3, part.heart_rates), 75.0)
    if part.baseline and embedder:
        examples["own_rows"] = torch.zeros(3, width)
    if part.baseline and part.heart_rates:
        examples["own_bpm"] = torch.full((3,), 75.0)
    traced = _traced(network, examples)
    graph = _graph("pain", inputs, outputs)
    made = []
    for number, (model, name) in enumerate(part.models, start=1):
        prefix = f"model-{number:03}/"
        given = {"bpm": "bpm", "own_bpm": "own_bpm"}
        if name:
            given["rows"] = _columns(graph, part, name, "embeddings", prefix)
            given["own_rows"] = _columns(graph, part, name, "own_embeddings", prefix) if part.baseline else ""
        made.append(_add(graph, traced, model, prefix, [given[key] for key in traced.inputs]))
    graph.node.append(helper.make_node("Mean", made, ["probabilities"]))
    return graph


def _columns(graph: Any, part: Part, embedder: str, of: str, prefix: str) -> str:
    """The columns of an embedder, in a graph whose rows have those of all."""
    from onnx import TensorProto, helper

    if len(part.embedders) == 1:
        return of
    names = [f"{prefix}{of}_{end}" for end in ("first", "end", "axis")]
    for name, value in zip(names, (*part.columns(embedder), -1), strict=True):
        graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    graph.node.append(helper.make_node("Slice", [of, *names], [f"{prefix}{of}"]))
    return f"{prefix}{of}"


def _whole_graph(part: Part, embedder: Any, pain: Any) -> Any:
    """Both graphs as one: frame after frame through the embedder, so that memory is that of one frame of each clip."""
    from onnx import TensorProto, helper

    inputs, outputs = ports(part)[WHOLE]
    graph = _graph("model", inputs, outputs)
    body = helper.make_graph([], "frame", [], [])
    body.CopyFrom(embedder)
    for value in body.input:
        value.name = "frame"
    for node in body.node:
        node.input[:] = ["frame" if name == "crops" else name for name in node.input]
        node.output[:] = ["row" if name == "embeddings" else name for name in node.output]
    for value in body.output:
        value.name = "row"
    for value in (*body.input, *body.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.node.append(
        helper.make_node(
            "Scan", ["crops"], ["embeddings"], num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1], body=body
        )
    )
    assert body.output[0].type.tensor_type.elem_type == TensorProto.FLOAT16
    graph.node.extend(pain.node)
    graph.initializer.extend(pain.initializer)
    return graph


def _traced(network: nn.Module, examples: dict[str, Tensor]) -> Traced:
    """A network as ONNX, with any number of samples.

    Raises:
        PainlitError: torch cannot trace it.
    """
    batch = torch.export.Dim("batch", min=1)
    try:
        with torch.no_grad():
            program = torch.export.export(
                network, (), dict(examples), dynamic_shapes={name: {0: batch} for name in examples}
            )
            made = torch.onnx.export(
                program, dynamo=True, opset_version=OPSET, optimize=False, verbose=False,
                input_names=list(examples), output_names=["out"],
            )  # fmt: skip
    except (torch._dynamo.exc.UserError, torch.onnx.OnnxExporterError) as error:
        raise PainlitError(
            f"torch cannot export a {type(network).__name__} of these settings: {str(error).splitlines()[0]}",
            "export.to=hub keeps the bundle as it is",
        ) from error
    assert made is not None
    model = made.model_proto
    for node in model.graph.node:  # traces name files of this machine
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    return Traced(model, tuple(examples))


def _add(graph: Any, traced: Traced, network: nn.Module, prefix: str, given: list[str]) -> str:
    """Add a copy of traced nodes with the weights of a network, fed with these values; what its output is called."""
    from onnx import numpy_helper

    named = dict(zip((value.name for value in traced.model.graph.input), given, strict=True))
    weights = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    for initializer in traced.model.graph.initializer:
        named[initializer.name] = prefix + initializer.name
        if (tensor := weights.get(initializer.name)) is not None:
            added = numpy_helper.from_array(tensor.detach().numpy(), prefix + initializer.name)
        else:
            added = type(initializer).FromString(initializer.SerializeToString())
            added.name = prefix + initializer.name
        graph.initializer.append(added)
    for node in traced.model.graph.node:
        copy = graph.node.add()
        copy.CopyFrom(node)
        copy.name = prefix + node.name
        copy.input[:] = [named.get(name, prefix + name) if name else "" for name in node.input]
        copy.output[:] = [prefix + name if name else "" for name in node.output]
    return prefix + traced.model.graph.output[0].name


def _graph(name: str, inputs: list[Port], outputs: list[Port]) -> Any:
    from onnx import helper

    def values(ports_: list[Port]) -> list[Any]:
        kinds = {port.type: helper.np_dtype_to_tensor_dtype(_dtype(port.type)) for port in ports_}
        return [helper.make_tensor_value_info(port.name, kinds[port.type], port.shape) for port in ports_]

    return helper.make_graph([], name, values(inputs), values(outputs))


def _dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)


def _model(graph: Any, name: str) -> Any:
    from onnx import checker, helper

    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10, producer_name="painlit", doc_string=name
    )
    checker.check_model(made)
    return made


def _refuse_too_large(part: Part) -> None:
    networks = [*part.embedders.values(), *(model for model, _ in part.models)]
    tensors = [entry for network in networks for entry in network.state_dict().items()]
    size = sum(
        tensor.nbytes for name, tensor in tensors if not name.startswith("network.augmnet.")
    )  # of training alone
    if size > LARGEST:
        raise PainlitError(
            f"the weights of {len(part.models)} models are {size / 1e9:.1f} GB, and a file of ONNX holds 2 GiB",
            "bundle fewer folds (bundle.folds=[…]), or the one model of `make finetune`",
        )
