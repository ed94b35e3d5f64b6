"""The model's parameters as command-line options, the same for every program."""

import argparse
import dataclasses

from theory.model import SpuriousModel
from workbench.program import number, whole_number

MODEL_HELP = {
    "spurious_ratio": "probability that the attribute agrees with the label in training, from 0.5 to 1",
    "mu_inv": "mean of the invariant feature; above 0",
    "mu_spu": "mean of the spurious feature; at least 0",
    "sigma_inv": "standard deviation of the invariant feature within a class; at least 0",
    "sigma_spu": "standard deviation of the spurious feature given the attribute; at least 0",
    "sigma_xi": "noise of an image or text, all dimensions together; at least 0",
    "image_dim": "dimension of an image; at least 2",
    "text_dim": "dimension of a text; at least 2",
    "class_prior": "share of the class +1; between 0 and 1",
}


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add one option for each parameter of `SpuriousModel`."""
    group = parser.add_argument_group("synthetic model")
    for field in dataclasses.fields(SpuriousModel):
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=whole_number(2) if field.name.endswith("_dim") else number,
            default=field.default,
            metavar="N" if field.name.endswith("_dim") else "X",
            help=MODEL_HELP[field.name],
        )


def model_from_options(options: argparse.Namespace) -> SpuriousModel:
    """The model that the options describe.

    Raises:
        ParameterError: an option outside its domain.
    """
    return SpuriousModel(**{field.name: getattr(options, field.name) for field in dataclasses.fields(SpuriousModel)})
