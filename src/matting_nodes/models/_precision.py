"""Half precision by autocast: the weights stay in float32, the products do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from ..errors import ParameterError

if TYPE_CHECKING:
    import torch

Tell = Callable[[str], None]

PRECISIONS = ("auto", "fp32", "fp16", "bf16")


class Autocast(nn.Module):
    """A network that computes in half precision and answers in float32.

    If values overflow, that half and all later runs are computed in float32, and `tell` is called.
    """

    def __init__(
        self, network: nn.Module, device: torch.device, dtype: torch.dtype, tell: Tell
    ) -> None:
        super().__init__()
        self.network: Any = network
        self.device, self.dtype, self.tell = device, dtype, tell
        self.overflowed = False

    def __getattr__(self, name: str) -> Any:
        """Return attributes that this module lacks from the network."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.network, name)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """Run the network."""
        return _widened(self._run(self.network, *inputs, **keywords))

    def begin(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the first half of a network that has two."""
        features: tuple[torch.Tensor, ...] = self._run(self.network.begin, x)
        return features

    def finish(self, *features: torch.Tensor) -> Any:
        """Run the second half."""
        return _widened(self._run(self.network.finish, *features))

    def _run(self, half: Any, *inputs: Any, **keywords: Any) -> Any:
        import torch

        from ._watch import Overflow

        if not self.overflowed:
            overflow = Overflow()
            with torch.autocast(self.device.type, dtype=self.dtype), overflow:
                output = half(*inputs, **keywords)
            if not overflow.seen(_tensors(output)):
                return output
            self.overflowed = True
            name = str(self.dtype).removeprefix("torch.")
            self.tell(f"The network's values overflow {name}: computed in float32")
        return half(*map(_widened, inputs), **keywords)


def in_precision(network: nn.Module, device: torch.device, precision: str, tell: Tell) -> nn.Module:
    """Return the network as it computes in a precision; the weights are shared.

    Parameters
    ----------
    network : Module
        In float32.
    device : torch.device
        Where it computes.
    precision : {"auto", "fp32", "fp16", "bf16"}
        What it computes in; auto is fp32.
    tell : callable(text)
        Called if values overflow the precision.
    """
    import torch

    # Results are those of the published code unless someone chooses speed.
    if precision in ("auto", "fp32"):
        return network
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    return Autocast(network, device, dtype, tell)


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse an unknown precision, or one that the device cannot use.

    Parameters
    ----------
    precision : str
        Its name.
    device : torch.device
        Where the network computes.

    Raises
    ------
    ParameterError
    """
    import torch

    if precision not in PRECISIONS:
        raise ParameterError(
            f"precision is {precision!r}", f"It is one of {', '.join(PRECISIONS)}", "Choose one"
        )
    if device.type == "cuda" and precision == "bf16" and not torch.cuda.is_bf16_supported():
        raise ParameterError(
            f"precision is bf16 on {torch.cuda.get_device_name(device)}",
            "This device does not compute in bf16",
            "Choose fp16 or fp32",
        )


def _tensors(output: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of an output."""
    import torch

    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, tuple | list):
        for part in output:
            yield from _tensors(part)
    elif isinstance(output, dict):
        yield from _tensors(list(output.values()))


def _widened(output: Any) -> Any:
    """Return an output with its floats in float32."""
    import torch

    if isinstance(output, torch.Tensor):
        return output.float() if output.is_floating_point() else output
    if isinstance(output, tuple | list):
        return type(output)(map(_widened, output))
    if isinstance(output, dict):
        for name, value in output.items():
            output[name] = _widened(value)
    return output
