"""The words of command lines on photos and models, which they know without reading any."""

PAPER = "A photo of {}."  # the paper's template
OPENAI80 = "openai80"
ALL, TWENTY, EVERY = "1v1000", "1v20", "all"  # candidates of a photo
IMAGENET, OPENAI = "imagenet", "openai"  # the candidates' names
FILLS = ("grey", "blur", "mean")  # in a background's place
PREFIX = "paper:"
AT = "@"  # between a published model's name and the place of its files
