"""Read the convolutions of a quantized TensorFlow Lite file.

Needs the packages tflite (the schema) and flatbuffers, which the album itself does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.errors import ModelError

Convolution = tuple[torch.Tensor, torch.Tensor]
"""Weight (out, in, h, w) and bias (out,), float32."""


def read_convolutions(path: Path) -> list[Convolution]:
    """Read all convolutions in execution order, the classifier last.

    Quantized weights q become (q - zero_point) * scale (Jacob et al. 2018). Batch norms are folded
    into the weights and biases already.

    Raises:
        ModelError: the packages are missing, or the file is no TensorFlow Lite model.
    """
    try:
        import tflite
    except ImportError as error:
        raise ModelError("Reading a .tflite needs: pip install tflite flatbuffers.") from error
    try:
        model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        graph = model.Subgraphs(0)
        convolutions = []
        for number in range(graph.OperatorsLength()):
            operator = graph.Operators(number)
            code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
            depthwise = code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D
            if not depthwise and code != tflite.BuiltinOperator.CONV_2D:
                continue
            weight = _dequantized(model, graph.Tensors(operator.Inputs(1)), np.uint8)
            bias = _dequantized(model, graph.Tensors(operator.Inputs(2)), np.int32)
            # TensorFlow's (out, h, w, in), or (1, h, w, channels) where each has its own kernel.
            order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
            weight = weight.transpose(order).copy()
            convolutions.append((torch.from_numpy(weight), torch.from_numpy(bias)))
    except (OSError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} is no quantized TensorFlow Lite model.") from error
    if not convolutions:
        raise ModelError(f"{path} has no convolutions.")
    return convolutions


def _dequantized(model: Any, tensor: Any, dtype: type[np.generic]) -> Any:
    """Dequantize a tensor with one scale and zero point to float32."""
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy().view(dtype).reshape(tensor.ShapeAsNumpy())
    quantization = tensor.Quantization()
    zero = quantization.ZeroPoint(0) if quantization.ZeroPointLength() else 0
    return ((raw.astype(np.float32) - zero) * quantization.Scale(0)).astype(np.float32)
