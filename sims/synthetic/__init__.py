"""The synthetic model's data: samples, captions, and the images that trained models are evaluated on."""
