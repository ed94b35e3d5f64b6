"""The words by which objectives, encoders and curations are called, which command lines know before JAX is imported."""

# In the order of `sims.objectives.OBJECTIVES`, which says what they are.
OBJECTIVE_NAMES = (
    *("linearized", "infonce", "infonce_bilinear", "infonce_image_to_text", "infonce_text_to_image", "siglip"),
    *("supcon", "supcon_bilinear", "nclip", "xclip"),
    *("least_squares", "logistic"),
)
# What the main job trains unless told otherwise; the others are asked for by name.
DEFAULT = ("linearized", "infonce", "infonce_bilinear", "siglip", "least_squares", "logistic")
LINEAR_ONLY = ("linearized",)  # whose loss is a formula in the encoders' matrices
SUPERVISED = ("least_squares", "logistic")

IMAGE_ENCODERS = ("linear", "mlp", "cnn", "vit")
TEXT_ENCODERS = ("linear", "mlp")

CURATIONS = ("none", "balanced")  # of training pairs
