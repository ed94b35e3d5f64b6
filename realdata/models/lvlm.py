"""Large vision-language models that transformers runs, such as LLaVA-1.5: the loss of each candidate as an answer.

Of the paper's two, MiniGPT-4 is not among the models of transformers, and so not among these.
"""

import copy
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from huggingface_hub import HfApi
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from pretrained.preprocessing import open_photo
from realdata.models.alike import alike_description, first_alike
from realdata.models.model import Model, Question
from realdata.models.torch_common import FloatType, check_finite, device, float_type, need, told

QUESTION = "What is the main object in the image?"  # the paper's
ANSWER = "A {}"  # the paper's
_EXTRA = "lvlm"
_LLAVA = "USER: <image>\n{} ASSISTANT:"  # LLaVA-1.5's, where a processor has no template of its own
_ANSWERS = (
    16  # at a time: the prompt's keys and values are held once for each, some 0.3 GB with LLaVA-1.5-7B in bfloat16
)
_TOLERANCES = {"float32": 1e-3, "bfloat16": 0.2}  # of a loss, by the digits of a logit of some 10


class Prompt(NamedTuple):
    """What a model is told before it answers, and the answers.

    Attributes:
        text: with the image's placeholder.
        starts: whether it begins with the token of the beginning itself.
        answers: the tokens of each.
    """

    text: str
    starts: bool
    answers: list[list[int]]


def read(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a photo and convert it to RGB; as transformers does with an open photo, without turning it.

    Raises:
        OSError: it cannot be decoded.
    """
    with open_photo(path) as image:
        return np.asarray(image.convert("RGB"))


class LVLM:
    """A model that scores by minus the mean loss of an answer's tokens; see `Model`.

    Attributes:
        description: what it is.
        processor: transformers', from a photo and a text to its inputs.
        module: transformers'.
        prompt: the question and the answers.
    """

    texts = False  # it reads the names alone
    batch_size = 8  # one after the other: decoded meanwhile

    def __init__(self, description: Mapping[str, Any], processor: Any, module: Any, prompt: Prompt):
        self.description = description
        self.read: Callable[[Path], np.ndarray] = read
        self.processor, self.module, self.prompt = processor, module.eval().to(device()), prompt
        self.firsts: Int[np.ndarray, " candidates"] = first_alike(map(tuple, prompt.answers))

    def score(
        self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]
    ) -> Float[np.ndarray, "size candidates"]:
        """Minus the mean loss of the tokens of each photo's candidates; minus infinity for all others."""
        import torch

        scores = np.full(among.shape, -np.inf, np.float32)
        with torch.inference_mode():
            for row, image, wanted in zip(scores, images, among, strict=True):
                asked, places = np.unique(self.firsts[wanted], return_inverse=True)  # equal answers once
                row[wanted] = self._losses(image, asked.tolist())[places] * -1.0
        return scores

    def _losses(self, image: np.ndarray, candidates: Sequence[int]) -> Float[np.ndarray, " candidates"]:
        from transformers import DynamicCache

        inputs = self._inputs(image)
        cache = DynamicCache(config=self.module.config.get_text_config())
        first = self._run(cache, **inputs)[0, -1]  # says what the first token of any answer should be
        losses = []
        for start in range(0, len(candidates), _ANSWERS):
            some = [self.prompt.answers[index] for index in candidates[start : start + _ANSWERS]]
            losses.append(self._answered(cache, first, some))
        return np.concatenate(losses) if losses else np.zeros(0, np.float32)

    def _inputs(self, image: np.ndarray) -> Any:
        return self.processor(
            images=Image.fromarray(image),
            text=self.prompt.text,
            add_special_tokens=not self.prompt.starts,
            return_tensors="pt",
        ).to(device(), self.module.dtype)

    def _answered(self, cache: Any, first: Any, answers: Sequence[list[int]]) -> Float[np.ndarray, " answers"]:
        """The losses of some answers to a prompt whose keys and values are known."""
        import torch

        lengths = torch.tensor([len(answer) for answer in answers], device=device())
        longest = int(lengths.max())
        filled = [[*answer, *answer[-1:] * (longest - len(answer))] for answer in answers]
        tokens = torch.tensor(filled, device=device())
        there = torch.arange(longest, device=device())[None] < lengths[:, None]
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(len(answers))
        # What fills up a shorter answer comes after it, where nothing of the answer looks: it needs no mask. The last
        # token is read in vain: it says what comes after the answer.
        after = self._run(cache, input_ids=tokens)[:, :-1]
        logits = torch.cat([first.expand(len(answers), 1, -1), after], dim=1).float()
        chances = logits.log_softmax(dim=-1).gather(2, tokens[..., None])[..., 0]
        return (-(chances * there).sum(dim=1) / lengths).cpu().numpy()

    def check(self, tolerance: float) -> None:
        """Whether the answers after a cache are those without one, for two candidates: attention may look both ways.

        Args:
            tolerance: how far the losses may be apart.

        Raises:
            ValueError: they are not.
        """
        import torch

        image, some = np.full((24, 32, 3), 99, np.uint8), range(len(self.prompt.answers))[:2]
        with torch.inference_mode():
            found, wanted = self._losses(image, some), [self._whole(image, index) for index in some]
        if not np.allclose(found, wanted, rtol=0, atol=tolerance):
            raise ValueError(f"the loss after its cache is {found[0]:.4f}, without one {wanted[0]:.4f}")

    def _whole(self, image: np.ndarray, candidate: int) -> float:
        """The loss of an answer, everything read at once."""
        import torch

        inputs, answer = self._inputs(image), self.prompt.answers[candidate]
        size = inputs["input_ids"].shape
        tokens = torch.tensor([answer], device=device())
        for key, part in inputs.items():
            if part.shape == size:  # kinds of tokens, of which 0 is text
                more = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}.get(key, 0 * tokens)
                inputs[key] = torch.cat([part, more.to(part.dtype)], dim=1)
        logits = self.module(**inputs, use_cache=False).logits[0, -1 - len(answer) : -1].float()
        return torch.nn.functional.cross_entropy(logits, tokens[0]).item()

    def _run(self, cache: Any, **inputs: Any) -> Any:
        # transformers 5 renamed it on its way.
        name = "cache" if "cache" in inspect.signature(self.module.forward).parameters else "past_key_values"
        return self.module(**inputs, **{name: cache}, use_cache=True).logits


def load(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a model with transformers; only safetensors are read, and no code of the model's own is run.

    Args:
        name: its id on the Hugging Face hub, or a folder.
        question: the names are asked for; its templates are not, as the answer is the paper's.
        dtype: what it computes in.

    Raises:
        InputError: transformers or PyTorch is missing, there is no such model, or it cannot be asked this way.
    """
    shown = f"lvlm:{name}"
    _, transformers = (need(shown, package, package, _EXTRA) for package in ("torch", "transformers"))
    if not sys.stderr.isatty():
        transformers.utils.logging.disable_progress_bar()
    with told(shown):
        where = {"trust_remote_code": False, "local_files_only": not _is_reachable(name)}
        processor = transformers.AutoProcessor.from_pretrained(name, **where)
        # Pillow's way to resize, whether or not torchvision is installed. Asked of the whole, videos would need it too.
        processor.image_processor = transformers.AutoImageProcessor.from_pretrained(name, **where, backend="pil")
        module = transformers.AutoModelForImageTextToText.from_pretrained(
            name, **where, use_safetensors=True, dtype=float_type(dtype)
        )
        check_finite(shown, module)
        prompt = _prompt(processor, question.names)
        description = {
            "kind": "lvlm",
            "name": name,
            "preprocessing": json.loads(processor.image_processor.to_json_string()),
            "prompt": prompt.text,
            "answer": ANSWER,
            "dtype": dtype,
            "transformers": transformers.__version__,
            **alike_description(question, first_alike(map(tuple, prompt.answers))),
        }
        model = LVLM(description, processor, module, prompt)
        model.check(_TOLERANCES[dtype])
    return model


def _is_reachable(name: str) -> bool:
    """Whether the hub answers for a model; transformers by itself would try each of a dozen files many times."""
    try:
        HfApi().model_info(name)
    except Exception:  # of many kinds, by way of the client that the hub's library uses
        return False
    return True


def _prompt(processor: Any, names: Sequence[str]) -> Prompt:
    """The question as the model's template puts it, and what follows it in each answer."""
    tokenizer = processor.tokenizer
    if getattr(processor, "chat_template", None):
        asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
        text = processor.apply_chat_template(asked, add_generation_prompt=True)
    else:
        text = _LLAVA.format(QUESTION)
    between = "" if text[-1:].isspace() else " "
    begin = getattr(tokenizer, "bos_token", None)
    starts = bool(begin) and text.startswith(begin)  # then the tokenizer must not begin once more
    # Tokens of the whole, as a space may belong to the word after it.
    asked_ids = tokenizer(text, add_special_tokens=not starts)["input_ids"]
    said = [text + between + ANSWER.replace("{}", name) for name in names]
    ids = tokenizer(said, add_special_tokens=not starts)["input_ids"]
    if any(each[: len(asked_ids)] != asked_ids for each in ids):
        raise ValueError("its tokenizer does not keep the question's tokens apart from the answer's")
    return Prompt(text, starts, [each[len(asked_ids) :] for each in ids])
