"""The main job: CLIP's objective against supervised training on the same images."""
