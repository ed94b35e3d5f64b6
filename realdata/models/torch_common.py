"""What the adapters of PyTorch models share: errors in one line, the device, photos as tensors."""

import contextlib
import hashlib
import importlib
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pretrained.preprocessing import FITS, Preprocessing
from realdata.models.loading import FloatType
from workbench.errors import InputError, RunError


def import_extra(option: str, module: str, package: str, extra: str) -> Any:
    """Import a module that an extra of this package installs.

    Args:
        option: the option that needs it, with its value.
        module: the module to import.
        package: the package that holds it.
        extra: the extra that installs the package.

    Raises:
        InputError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{option}: needs {package}; in the checkout, "
            f'python -m pip install -c constraints.txt -e ".[{extra}]" installs it'
        ) from error


@contextlib.contextmanager
def one_line_errors(option: str) -> Iterator[None]:
    """Turn whatever a library raises while it finds, downloads and reads a model into one line.

    Raises:
        InputError: in place of the library's error.
    """
    try:
        yield
    except (InputError, RunError):
        raise
    except pickle.UnpicklingError as error:  # PyTorch's own message says how to run the code
        raise InputError(f"{option}: its file is damaged, or holds more than weights") from error
    except Exception as error:  # a dozen kinds, from KeyError to network errors
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise InputError(f"{option}: cannot be loaded ({reason})") from error


def check_finite(option: str, module: Any) -> None:
    """Check that all weights of a module are finite.

    Args:
        option: the option that needs it, with its value.
        module: a PyTorch module.

    Raises:
        RunError: a weight is not finite; the message names the first one.
    """
    for name, weight in module.named_parameters():
        if not weight.isfinite().all():
            raise RunError(f"{option}: the weight {name} holds {_count_not_finite(weight)} values that are not finite")
    for name, buffer in module.named_buffers():  # masks may hold -inf, but no buffer holds NaN
        if buffer.isnan().any():
            raise RunError(f"{option}: the buffer {name} holds {_count_not_finite(buffer)} values that are not finite")


def _count_not_finite(weight: Any) -> int:
    return int((~weight.isfinite()).sum())


def weights_digest(module: Any) -> bytes:
    """SHA-256 of a module's weights and buffers, with their names."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.digest()


def device() -> str:
    """The first GPU if PyTorch sees one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def float_type(name: FloatType) -> Any:
    """The PyTorch type with that name."""
    import torch

    return getattr(torch, name)


def as_preprocessing(
    option: str,
    library: str,
    fit: str,
    resize: int,
    crop: Sequence[int] | int,
    interpolation: str,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Preprocessing:
    """A library's preprocessing as our own.

    Args:
        option: the option that names the model, with its value.
        library: the library whose arithmetic is followed, `torchvision` or `open_clip`.
        fit: how a photo is made square.
        resize: length of the shorter side in pixels.
        crop: the side of the square, or its height and width, in pixels.
        interpolation: its name.
        mean: the mean of each channel.
        deviation: the standard deviation of each channel.

    Raises:
        InputError: this preprocessing is not supported.
    """
    height, width = (crop, crop) if isinstance(crop, int) else crop
    if height != width:
        raise InputError(f"{option}: its images must be square, got {height} x {width}")
    if fit not in FITS:
        raise InputError(f"{option}: its way to resize photos must be among {', '.join(FITS)}, got {fit}")
    if not len(mean) == len(deviation) == 3:
        raise InputError(f"{option}: its images must have 3 channels, got {len(mean)}")
    try:
        (red, green, blue), scales = map(float, mean), tuple(map(float, deviation))
        return Preprocessing(resize, height, interpolation, (red, green, blue), scales, library, fit)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{option}: {error}") from error


def as_tensor(images: Sequence[np.ndarray], preprocessing: Preprocessing, dtype: FloatType) -> Any:
    """Normalise images of one size, as `read_photo` returns them, on the device.

    Returns:
        A tensor of shape (size, 3, side, side).
    """
    import torch

    photos = torch.from_numpy(np.stack(images)).to(device()).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (
        torch.tensor(part, dtype=torch.float32, device=device())[:, None, None]
        for part in (preprocessing.mean, preprocessing.deviation)
    )
    return ((photos - mean) / deviation).to(float_type(dtype))
