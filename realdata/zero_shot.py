"""Zero-shot classification of photos by a CLIP: the candidate whose prompt is most similar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, UInt8

from pretrained.checkpoint import Checkpoint
from pretrained.clip import CLIP
from pretrained.normalisation import prepare
from pretrained.preprocessing import read_photo
from realdata.photos import Photo
from workbench.compilation import jit

_TEXTS = 256  # at a time
_DECODERS = 4  # threads; Pillow decodes and resizes without Python's lock


class Answers(NamedTuple):
    """What a model says of the photos that could be read.

    Attributes:
        photos: those, in order.
        predicted: the index of the candidate with the highest score.
        scores: its cosine similarity.
        unreadable: the paths of the others, and why.
    """

    photos: list[Photo]
    predicted: Int[np.ndarray, " photos"]
    scores: Float[np.ndarray, " photos"]
    unreadable: list[tuple[str, str]]


def embed_prompts(
    checkpoint: Checkpoint, names: Sequence[str], templates: Sequence[str]
) -> Float[np.ndarray, "names embed_dim"]:
    """Embeddings of unit length of all names: the normalised mean over the templates of normalised embeddings.

    Args:
        checkpoint: the CLIP.
        names: of the candidates.
        templates: texts with `{}` in the name's place.
    """
    graph, weights = nnx.split(checkpoint.model)
    embed = jit(lambda weights, tokens: _merged(graph, weights).embed_texts(tokens))
    texts = [template.replace("{}", name) for name in names for template in templates]
    found = []
    for start in range(0, len(texts), _TEXTS):
        tokens = checkpoint.tokenizer(texts[start : start + _TEXTS])
        padded = np.pad(tokens, ((0, _TEXTS - len(tokens)), (0, 0)), mode="edge")  # one shape, one compilation
        found.append(np.asarray(embed(weights, padded))[: len(tokens)])
    means = np.concatenate(found).reshape(len(names), len(templates), -1).mean(axis=1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _merged(graph: Any, weights: Any) -> CLIP:
    return nnx.merge(graph, weights)


def classify(
    checkpoint: Checkpoint,
    root: Path,
    photos: Sequence[Photo],
    candidates: Int[np.ndarray, " candidates"],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    prompts: Float[np.ndarray, "candidates embed_dim"],
    batch_size: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Answers:
    """Classify photos, decoding them in threads while the device works.

    Args:
        checkpoint: the CLIP.
        root: the folder that the photos' paths start from.
        photos: which ones.
        candidates: class indices.
        allowed: class to the candidates that its photos are classified among.
        prompts: their embeddings, of unit length.
        batch_size: photos at a time.
        on_progress: called with the number of photos done.
    """
    graph, weights = nnx.split(checkpoint.model)

    @jit
    def score(
        weights: Any,
        pictures: UInt8[Array, "size side side 3"],
        prompts: Float[Array, "candidates embed_dim"],
        among: Bool[Array, "size candidates"],
    ) -> tuple[Array, Array]:
        similarities = _merged(graph, weights).embed_images(prepare(pictures, checkpoint.preprocessing)) @ prompts.T
        similarities = jnp.where(among, similarities, -jnp.inf)
        return jnp.argmax(similarities, axis=1), jnp.max(similarities, axis=1)

    readable, predicted, scores, unreadable = [], [], [], []
    texts = jax.device_put(prompts)
    for batch, found in _decoded(checkpoint, root, photos, batch_size):
        pairs = list(zip(batch, found, strict=True))
        kept = [(photo, picture) for photo, picture in pairs if isinstance(picture, np.ndarray)]
        unreadable += [(photo.path, reason) for photo, reason in pairs if isinstance(reason, str)]
        if kept:
            pictures = np.stack([picture for _, picture in kept])
            missing = (0, batch_size - len(kept))  # one shape, one compilation
            padded = np.pad(pictures, (missing, (0, 0), (0, 0), (0, 0)))
            among = np.pad(np.stack([allowed[photo.class_index] for photo, _ in kept]), (missing, (0, 0)))
            best, highest = score(weights, padded, texts, among)
            readable += [photo for photo, _ in kept]
            predicted.append(candidates[np.asarray(best)[: len(kept)]])
            scores.append(np.asarray(highest)[: len(kept)])
        on_progress(len(batch))
    return Answers(
        readable,
        np.concatenate(predicted) if predicted else np.zeros(0, int),
        np.concatenate(scores) if scores else np.zeros(0, np.float32),
        unreadable,
    )


def _decoded(
    checkpoint: Checkpoint, root: Path, photos: Sequence[Photo], batch_size: int
) -> Iterator[tuple[Sequence[Photo], list[np.ndarray | str]]]:
    """Batches of photos with their bytes, or why they have none; the next one is decoded while one is looked at."""

    def read(photo: Photo) -> np.ndarray | str:
        try:
            return read_photo(root / photo.path, checkpoint.preprocessing)
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            return str(error) or type(error).__name__

    batches = [photos[start : start + batch_size] for start in range(0, len(photos), batch_size)]
    with ThreadPoolExecutor(_DECODERS) as pool:
        waiting = [pool.submit(read, photo) for photo in batches[0]] if batches else []
        for index, batch in enumerate(batches):
            ready, following = waiting, batches[index + 1 : index + 2]
            waiting = [pool.submit(read, photo) for photo in following[0]] if following else []
            yield batch, [task.result() for task in ready]
