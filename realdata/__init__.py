"""CounterAnimal: any model on its photos, the published measurements, and what they say of the paper's claims.

`evaluate` is what the program `realdata.evaluate` calls.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import realdata.evaluate  # noqa: F401  # the package, now, so that no later import takes the function's place

if TYPE_CHECKING:
    from realdata.evaluate.result import Evaluation

__all__ = ["evaluate"]


def evaluate(
    data: Path | str, model: str | None = None, *, out: Path | str | None = None, **settings: Any
) -> "Evaluation":
    """Classify photos on common and on uncommon backgrounds, zero-shot among all class names, as the paper does.

    Args:
        data: folder of class folders, as CounterAnimal's.
        model: a folder with a checkpoint, a Hugging Face id, `paper:NAME` (`paper:NAME@PLACE` with its files on disk),
            `open_clip:ARCHITECTURE/TAG`, `torchvision:NAME` (`torchvision:NAME@FILE`), `timm:NAME` or `lvlm:ID`.
        out: a folder for the results, where a stopped run goes on; nothing is written unless it is given.
        settings: further fields of `realdata.evaluate.config.EvaluationConfig`: `prompt`, `setup`, `names`, `scores`
            in place of a model, `batch_size`, and so on.

    Raises:
        InputError: photos, names, prompt or model cannot be read, or do not fit together; the message says which.
    """
    from realdata.evaluate.config import EvaluationConfig
    from realdata.evaluate.run import run

    return run(EvaluationConfig(Path(data), model, **settings), None if out is None else Path(out))


def __dir__() -> list[str]:
    return __all__
