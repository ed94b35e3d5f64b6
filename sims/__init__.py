"""The synthetic multimodal model, simulated: samplers, encoders, objectives, training, and the main job."""
