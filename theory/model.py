"""The synthetic model of a label, a spurious attribute, and their two noisy views (Definition 6.1); and captions."""

import dataclasses
import functools
import inspect
import itertools
import math
import sys
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float

from workbench import program
from workbench.errors import ParameterError
from workbench.parameters import SHARE, Domain, check, parameter

if TYPE_CHECKING or "jax" in sys.modules:
    from jax import Array
else:  # a command line reads this before JAX is imported
    Array = Any

_Class = TypeVar("_Class", bound=type)
# A parameter: a number, or an array while a function is being traced, vmapped or differentiated.
Scalar: TypeAlias = float | int | Array

_LARGEST = 1e6  # squares and products of larger sizes would leave the range of single precision


def _domain(allowed: str, holds: Callable[[float], bool], whole: bool = False) -> Domain:
    """Finite numbers up to `_LARGEST` for which `holds` is true; arrays pass, since tracing hides their values."""

    def check(name: str, value: object) -> None:
        if isinstance(value, bool | str) or value is None:
            raise ParameterError(name, "a number", repr(value))
        if not isinstance(value, Real):
            return
        number = float(value)
        if not math.isfinite(number):
            raise ParameterError(name, "finite", value)
        if not holds(number):
            raise ParameterError(name, allowed, value)
        if number > _LARGEST:
            raise ParameterError(name, f"at most {_LARGEST:g}", value)

    return Domain(program.whole_number(2) if whole else program.number, "N" if whole else "X", check)


_POSITIVE = _domain("positive", lambda number: number > 0)
_NOT_NEGATIVE = _domain("at least 0", lambda number: number >= 0)
_DIMENSION = _domain("a whole number of at least 2", lambda number: number == int(number) and number >= 2, whole=True)
_RATIO = _domain("in [0.5, 1]", lambda number: 0.5 <= number <= 1.0)
_PRIOR = _domain("between 0 and 1, both excluded", lambda number: 0.0 < number < 1.0)


def _pair(first: Scalar, second: Scalar) -> Float[Array, "2"]:
    import jax.numpy as jnp

    return jnp.stack([jnp.asarray(first, float), jnp.asarray(second, float)])


def _pytree(cls: _Class) -> _Class:
    """A dataclass as a JAX pytree, as `jax.tree_util.register_dataclass`, but registered with its first instance.

    So a command line may read its fields before JAX is imported. `metadata={"static": True}` marks those that are no
    leaves.
    """

    @functools.cache
    def register() -> None:
        import jax

        jax.tree_util.register_dataclass(cls)

    def new(made: type, *arguments: Any, **named: Any) -> Any:
        register()
        return object.__new__(made)

    cls.__signature__ = inspect.signature(cls)  # type: ignore[attr-defined]  # not that of `new`
    cls.__new__ = new  # type: ignore[assignment]
    return cls


@_pytree
@dataclasses.dataclass(frozen=True)
class SpuriousModel:
    """Parameters of Definition 6.1 (D.1) of arXiv 2403.11497, with `mu_inv` and the class prior free.

    The label y is +1 with probability `class_prior`, else -1; the attribute a equals y with probability
    `spurious_ratio`. The latent z = (z_inv, z_spu) has z_inv ~ N(mu_inv y, sigma_inv^2) and z_spu ~
    N(mu_spu a, sigma_spu^2). Image and text share z: each is D z + xi, D with two orthonormal columns, xi ~
    N(0, sigma_xi^2 / dim * I).

    A frozen dataclass and a JAX pytree: numbers are checked, arrays (under `jit` or `vmap`) pass unchecked.

    Attributes:
        spurious_ratio: P(a = y) in training, p_spu in the paper; in [1/2, 1].
        mu_inv: mean of the invariant feature for y = +1; positive (the theorem takes 1).
        mu_spu: mean of the spurious feature for a = +1; not negative.
        sigma_inv: standard deviation of the invariant feature within a class; not negative.
        sigma_spu: standard deviation of the spurious feature given the attribute; not negative.
        sigma_xi: root of the total noise variance of one image or text; not negative.
        image_dim: dimension of an image, d_I; at least 2.
        text_dim: dimension of a text, d_T; at least 2.
        class_prior: P(y = +1), in training and in every group; in (0, 1). The paper takes 1/2.

    Raises:
        ParameterError: a number outside its domain.
    """

    spurious_ratio: Scalar = parameter(
        0.9, _RATIO, "probability that the attribute agrees with the label in training, from 0.5 to 1"
    )
    mu_inv: Scalar = parameter(1.0, _POSITIVE, "mean of the invariant feature; above 0")
    mu_spu: Scalar = parameter(1.5, _NOT_NEGATIVE, "mean of the spurious feature; at least 0")
    sigma_inv: Scalar = parameter(
        1.0, _NOT_NEGATIVE, "standard deviation of the invariant feature within a class; at least 0"
    )
    sigma_spu: Scalar = parameter(
        0.5, _NOT_NEGATIVE, "standard deviation of the spurious feature given the attribute; at least 0"
    )
    sigma_xi: Scalar = parameter(1.0, _NOT_NEGATIVE, "noise of an image or text, all dimensions together; at least 0")
    image_dim: int | Array = parameter(16, _DIMENSION, "dimension of an image; at least 2")
    text_dim: int | Array = parameter(16, _DIMENSION, "dimension of a text; at least 2")
    class_prior: Scalar = parameter(0.5, _PRIOR, "share of the class +1; between 0 and 1")

    def __post_init__(self) -> None:
        check(self)

    def replace(self, **changes: Scalar) -> "SpuriousModel":
        """A model with some parameters changed.

        Raises:
            ParameterError: a number outside its domain.
            TypeError: a name that is no parameter's.
        """
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def latent_mean(self) -> Float[Array, "2"]:
        """Mean sizes (mu_inv, mu_spu) of the two features: their means for y = +1 and a = +1."""
        return _pair(self.mu_inv, self.mu_spu)

    @property
    def latent_sigma(self) -> Float[Array, "2"]:
        """Deviations (sigma_inv, sigma_spu) of the two features given y and a."""
        return _pair(self.sigma_inv, self.sigma_spu)

    @property
    def agreement(self) -> Scalar:
        """E[y a] = 2 p_spu - 1: how much the label tells of the attribute."""
        return 2.0 * self.spurious_ratio - 1.0

    @property
    def label_mean(self) -> Scalar:
        """E[y] = 2 P(y = +1) - 1; 0 for classes that are equally frequent."""
        return 2.0 * self.class_prior - 1.0

    @property
    def image_noise_variance(self) -> Scalar:
        """Variance of the image noise along any unit direction, sigma_xi^2 / d_I."""
        return self.sigma_xi**2 / self.image_dim

    @property
    def text_noise_variance(self) -> Scalar:
        """Variance of the text noise along any unit direction, sigma_xi^2 / d_T."""
        return self.sigma_xi**2 / self.text_dim

    @property
    def image_variance(self) -> Float[Array, "2"]:
        """Variances of the image's two coordinates in the signal's plane given y and a, noise included."""
        return self.latent_sigma**2 + self.image_noise_variance


CAPTIONS = ("latent", "label", "label-attribute")


@_pytree
@dataclasses.dataclass(frozen=True)
class Caption:
    """What a caption says of the image. A JAX pytree; `kind` is static.

    Attributes:
        kind: one of `CAPTIONS`.
        mention_inv: probability that the caption mentions the invariant feature (or the class); in [0, 1].
        mention_spu: probability that it mentions the spurious feature (or the attribute); in [0, 1]. A `label` caption
            never does, whatever this says.

    Raises:
        ParameterError: another kind, or a number that is no probability.
    """

    kind: str = dataclasses.field(default="latent", metadata={"static": True})
    mention_inv: Scalar = parameter(1.0, SHARE, "probability that a caption mentions the class or invariant feature")
    mention_spu: Scalar = parameter(1.0, SHARE, "probability that a caption mentions the background")

    def __post_init__(self) -> None:
        if self.kind not in CAPTIONS:
            raise ParameterError("caption", f"one of {', '.join(CAPTIONS)}", repr(self.kind))
        check(self)

    @property
    def mentions(self) -> Float[Array, "2"]:
        """The probabilities that each of the two entries is mentioned."""
        return _pair(self.mention_inv, 0.0 if self.kind == "label" else self.mention_spu)

    @property
    def choices(self) -> np.ndarray:
        """What a caption can mention, 0 or 1 for each entry, shape (choices, 2).

        All four choices, or fewer where a probability is known to be 0 or 1: not traced.
        """
        shares = (self.mention_inv, 0.0 if self.kind == "label" else self.mention_spu)
        choices = [[float(share)] if isinstance(share, Real) and share in (0, 1) else [1.0, 0.0] for share in shares]
        return np.array(list(itertools.product(*choices)))
