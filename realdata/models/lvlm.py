"""Large vision-language models from transformers, such as LLaVA-1.5: the loss of each candidate as an answer.

The paper also evaluates MiniGPT-4, which transformers does not have.
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
from realdata.models.loading import FloatType
from realdata.models.model import Model, Question
from realdata.models.torch_common import check_finite, device, float_type, import_extra, one_line_errors

QUESTION = "What is the main object in the image?"  # the paper's
ANSWER = "A {}"  # the paper's
_EXTRA = "lvlm"
_LLAVA = "USER: <image>\n{} ASSISTANT:"  # LLaVA-1.5's template, for processors that have none
# Answers in a batch: each has a copy of the prompt's keys and values, about 0.3 GB for LLaVA-1.5-7B in bfloat16.
_ANSWERS = 16
# Rounding of a loss, for logits of about 10.
_TOLERANCES = {"float32": 1e-3, "bfloat16": 0.2}


class Prompt(NamedTuple):
    """The text before an answer, and the answers.

    Attributes:
        text: the question, with the image's placeholder.
        starts: whether the text itself begins with the beginning-of-text token.
        answers: the tokens of each answer.
    """

    text: str
    starts: bool
    answers: list[list[int]]


def read(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a photo and convert it to RGB. As in transformers, the EXIF orientation is ignored.

    Raises:
        OSError: the photo cannot be decoded.
    """
    with open_photo(path) as image:
        return np.asarray(image.convert("RGB"))


class LVLM:
    """A model that scores candidates by minus the mean loss of their answer's tokens; see `Model`.

    Attributes:
        description: see `Model`.
        processor: transformers' object that turns a photo and a text into inputs.
        module: transformers' module.
        prompt: the question and the answers.
    """

    texts = False  # the model reads the names, and no template
    batch_size = 8  # photos are scored one after the other, while the next ones are decoded

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
                distinct, places = np.unique(self.firsts[wanted], return_inverse=True)  # equal answers once
                row[wanted] = self._losses(image, distinct.tolist())[places] * -1.0
        return scores

    def _losses(self, image: np.ndarray, candidates: Sequence[int]) -> Float[np.ndarray, " candidates"]:
        from transformers import DynamicCache

        inputs = self._inputs(image)
        cache = DynamicCache(config=self.module.config.get_text_config())
        first = self._run(cache, **inputs)[0, -1]  # predicts the first token of any answer
        losses = []
        for start in range(0, len(candidates), _ANSWERS):
            some = [self.prompt.answers[index] for index in candidates[start : start + _ANSWERS]]
            losses.append(self._answer_losses(cache, first, some))
        return np.concatenate(losses) if losses else np.zeros(0, np.float32)

    def _inputs(self, image: np.ndarray) -> Any:
        return self.processor(
            images=Image.fromarray(image),
            text=self.prompt.text,
            add_special_tokens=not self.prompt.starts,
            return_tensors="pt",
        ).to(device(), self.module.dtype)

    def _answer_losses(self, cache: Any, first: Any, answers: Sequence[list[int]]) -> Float[np.ndarray, " answers"]:
        """The losses of some answers, after a prompt whose keys and values are in the cache."""
        import torch

        lengths = torch.tensor([len(answer) for answer in answers], device=device())
        longest = int(lengths.max())
        padded = [[*answer, *answer[-1:] * (longest - len(answer))] for answer in answers]
        tokens = torch.tensor(padded, device=device())
        mask = torch.arange(longest, device=device())[None] < lengths[:, None]
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(len(answers))
        # Padding comes after the answer, where the answer's tokens do not attend: attention needs no mask. The last
        # token predicts what follows the answer, which is not used.
        after = self._run(cache, input_ids=tokens)[:, :-1]
        logits = torch.cat([first.expand(len(answers), 1, -1), after], dim=1).float()
        chances = logits.log_softmax(dim=-1).gather(2, tokens[..., None])[..., 0]
        return (-(chances * mask).sum(dim=1) / lengths).cpu().numpy()

    def check(self, tolerance: float) -> None:
        """Check for two candidates that the loss with a cache is the loss without one.

        They differ where attention is not causal.

        Args:
            tolerance: the largest difference of the losses that is allowed.

        Raises:
            ValueError: the losses differ by more.
        """
        import torch

        image, some = np.full((24, 32, 3), 99, np.uint8), range(len(self.prompt.answers))[:2]
        with torch.inference_mode():
            found, wanted = self._losses(image, some), [self._loss_without_cache(image, index) for index in some]
        if not np.allclose(found, wanted, rtol=0, atol=tolerance):
            raise ValueError(f"the loss after its cache is {found[0]:.4f}, without one {wanted[0]:.4f}")

    def _loss_without_cache(self, image: np.ndarray, candidate: int) -> float:
        """The loss of an answer, with prompt and answer in one pass."""
        import torch

        inputs, answer = self._inputs(image), self.prompt.answers[candidate]
        size = inputs["input_ids"].shape
        tokens = torch.tensor([answer], device=device())
        for key, part in inputs.items():
            if part.shape == size:  # of other inputs by token, such as their kinds, 0 means text
                more = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}.get(key, 0 * tokens)
                inputs[key] = torch.cat([part, more.to(part.dtype)], dim=1)
        logits = self.module(**inputs, use_cache=False).logits[0, -1 - len(answer) : -1].float()
        return torch.nn.functional.cross_entropy(logits, tokens[0]).item()

    def _run(self, cache: Any, **inputs: Any) -> Any:
        # transformers 5 renamed this argument.
        name = "cache" if "cache" in inspect.signature(self.module.forward).parameters else "past_key_values"
        return self.module(**inputs, **{name: cache}, use_cache=True).logits


def load(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a model with transformers; only safetensors files are read, and no code from the hub is run.

    Args:
        name: its id on the Hugging Face hub, or a folder.
        question: the candidates' names; the templates are not used, since the answer's wording is the paper's.
        dtype: its floating-point type.

    Raises:
        InputError: transformers or PyTorch is missing, there is no such model, or it cannot answer in this way.
    """
    shown = f"lvlm:{name}"
    _, transformers = (import_extra(shown, package, package, _EXTRA) for package in ("torch", "transformers"))
    if not sys.stderr.isatty():
        transformers.utils.logging.disable_progress_bar()
    with one_line_errors(shown):
        where = {"trust_remote_code": False, "local_files_only": not _is_reachable(name)}
        processor = transformers.AutoProcessor.from_pretrained(name, **where)
        # Resize with Pillow, whether or not torchvision is installed. Given to the whole processor, this option would
        # make its part for videos need torchvision.
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
    """Whether the hub can be reached; transformers alone would try each of a dozen files many times."""
    try:
        HfApi().model_info(name)
    except Exception:  # many kinds, from the HTTP client of the hub's library
        return False
    return True


def _prompt(processor: Any, names: Sequence[str]) -> Prompt:
    """The question in the model's template, and the tokens of each answer."""
    tokenizer = processor.tokenizer
    if getattr(processor, "chat_template", None):
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
        text = processor.apply_chat_template(messages, add_generation_prompt=True)
    else:
        text = _LLAVA.format(QUESTION)
    between = "" if text[-1:].isspace() else " "
    begin = getattr(tokenizer, "bos_token", None)
    starts = bool(begin) and text.startswith(begin)  # then the tokenizer must not add the token again
    # Question and answer are tokenized together, since a space may belong to the word after it.
    question_ids = tokenizer(text, add_special_tokens=not starts)["input_ids"]
    texts = [text + between + ANSWER.replace("{}", name) for name in names]
    ids = tokenizer(texts, add_special_tokens=not starts)["input_ids"]
    if any(each[: len(question_ids)] != question_ids for each in ids):
        raise ValueError("its tokenizer does not keep the question's tokens apart from the answer's")
    return Prompt(text, starts, [each[len(question_ids) :] for each in ids])
