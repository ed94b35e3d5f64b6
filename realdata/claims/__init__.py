"""The paper's claims put to the published measurements: one question a file, judged together."""
