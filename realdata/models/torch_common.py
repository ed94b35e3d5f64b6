"""What the adapters of PyTorch's models share: a package or one line, the device, photos as tensors."""

import contextlib
import importlib
import pickle
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from pretrained.preprocessing import FITS, Preprocessing
from workbench.errors import InputError, RunError

FloatType = Literal["float32", "bfloat16"]


def need(option: str, module: str, package: str, extra: str) -> Any:
    """Import a module that comes with an extra.

    Args:
        option: what asked for it, with its value.
        module: to import.
        package: that it comes in.
        extra: of ours that installs it.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f'{option}: needs {package}; install the extra with pip install "sober-clip[{extra}]"'
        ) from error


@contextlib.contextmanager
def told(option: str) -> Iterator[None]:
    """Tell whatever a library raises while it finds, fetches and reads a model, in one line.

    Raises:
        InputError: instead.
    """
    try:
        yield
    except (InputError, RunError):
        raise
    except pickle.UnpicklingError as error:  # PyTorch's own words tell how to run the code
        raise InputError(f"{option}: its file must hold weights and nothing else, or is damaged") from error
    except Exception as error:  # of a dozen kinds, from KeyError to those of the network
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise InputError(f"{option}: cannot be loaded ({reason})") from error


def check_finite(option: str, module: Any) -> None:
    """Whether all weights of a module are numbers.

    Args:
        option: what asked for it, with its value.
        module: PyTorch's.

    Raises:
        RunError: one is not; the message has the first one's name.
    """
    for name, weight in module.named_parameters():
        if not weight.isfinite().all():
            raise RunError(f"{option}: the weight {name} holds {_bad(weight)} values that are not finite")
    for name, buffer in module.named_buffers():  # masks hold -inf, and nothing holds NaN
        if buffer.isnan().any():
            raise RunError(f"{option}: the buffer {name} holds {_bad(buffer)} values that are not finite")


def _bad(weight: Any) -> int:
    return int((~weight.isfinite()).sum())


def device() -> str:
    """The first GPU if PyTorch sees one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def float_type(name: FloatType) -> Any:
    """PyTorch's object of that name."""
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
    """What a library says of its images, to be done without it.

    Args:
        option: what asked for the model.
        library: whose way it is, `torchvision` or `open_clip`.
        fit: how a photo is made square.
        resize: length of the shorter side.
        crop: the side of the square, or its height and width.
        interpolation: by its name.
        mean: of each channel.
        deviation: of each channel.

    Raises:
        InputError: it cannot be done.
    """
    height, width = (crop, crop) if isinstance(crop, int) else crop
    if height != width:
        raise InputError(f"{option}: its images must be square, are {height} x {width}")
    if fit not in FITS:
        raise InputError(f"{option}: photos must be resized as in {', '.join(FITS)}, are as in {fit}")
    if not len(mean) == len(deviation) == 3:
        raise InputError(f"{option}: its images must have 3 channels, have {len(mean)}")
    try:
        (red, green, blue), scales = map(float, mean), tuple(map(float, deviation))
        return Preprocessing(resize, height, interpolation, (red, green, blue), scales, library, fit)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{option}: {error}") from error


def as_tensor(images: Sequence[np.ndarray], preprocessing: Preprocessing, dtype: FloatType) -> Any:
    """Images of one size, as `read_photo` gives them, normalised, on the device.

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
