"""A checkpoint's folder, in whichever format it is."""

from pathlib import Path

from pretrained import huggingface, openclip
from pretrained.checkpoint import Checkpoint
from workbench.errors import InputError


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint in Hugging Face's or OpenCLIP's format; nothing in it is run.

    Raises:
        InputError: a file is missing, is no CLIP's, or holds other weights than its configuration says.
    """
    if not folder.is_dir():
        raise InputError(f"--model: {folder} is no directory; give the folder of a downloaded checkpoint")
    return openclip.load(folder) if (folder / openclip.CONFIG).exists() else huggingface.load(folder)
