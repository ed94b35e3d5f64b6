"""The learners by name: what critic, or which rule, each arrives at with infinite data."""

from jaxtyping import Array, Float

from theory.model import Caption, Scalar, SpuriousModel
from theory.names import CONTRASTIVE, DIRECTIONS, INFINITE_ONLY, NCLIP_WIDTH
from theory.statements.captions import caption_covariance
from theory.statements.finite_batch import finite_batch_critic
from theory.statements.infonce import NODES, infonce_critic
from theory.statements.linearized import linearized_minimiser
from theory.statements.other_objectives import nclip_critic, supcon_critic
from theory.statements.siglip import siglip_critic


def contrastive_critic(
    learner: str,
    model: SpuriousModel,
    caption: Caption,
    embed_dim: int = 2,
    count: int = NODES,
    batch_size: Scalar | None = None,
) -> Float[Array, "2 2"]:
    """The matrix B of a contrastive learner's critic x^T D_I B D_T^T t, at rho = 1.

    Args:
        learner: one of `CONTRASTIVE`.
        model: parameters of the synthetic model.
        caption: what captions say.
        embed_dim: width of the embedding; only the linearised learner is known for a width of 1, and nCLIP for one of
            `NCLIP_WIDTH` alone.
        count: nodes on each axis of InfoNCE's quadrature, for infinite batches.
        batch_size: pairs in a batch, at least 2; None is without end. The linearised learner is the same for all.

    Raises:
        ValueError: another learner, or a width or a size of batch that it is not known for.
    """
    if learner == "linearized":
        return linearized_minimiser(caption_covariance(model, caption), embed_dim)
    if embed_dim < 2:
        raise ValueError(f"the optimum of {learner} is known for an embedding of width 2 or more, got {embed_dim}")
    if learner in INFINITE_ONLY and batch_size is not None:
        raise ValueError(f"the optimum of {learner} is known for infinite batches only")
    if learner == "nclip":
        if embed_dim != NCLIP_WIDTH:
            raise ValueError(
                f"the optimum of nclip is known for an embedding of width {NCLIP_WIDTH} alone, got {embed_dim}"
            )
        return nclip_critic(model, caption)
    if learner == "supcon_bilinear":
        return supcon_critic(model, caption, count=count)
    if learner == "siglip":
        return siglip_critic(model, caption)
    if learner in DIRECTIONS and batch_size is not None:
        return finite_batch_critic(model, caption, batch_size, DIRECTIONS[learner])
    if learner in DIRECTIONS:
        return infonce_critic(model, caption, DIRECTIONS[learner], count)
    raise ValueError(f"learner must be one of {', '.join(CONTRASTIVE)}, got {learner!r}")
