"""Encoders by name; this is where a new one is added."""

from sims.encoders.cnn import CNN
from sims.encoders.linear import Linear
from sims.encoders.mlp import MLP
from sims.encoders.vit import ViT

IMAGE_ENCODERS = {"linear": Linear, "mlp": MLP, "cnn": CNN, "vit": ViT}
TEXT_ENCODERS = {"linear": Linear, "mlp": MLP}
PICTURE_ENCODERS = ("cnn", "vit")  # read an image as a picture
