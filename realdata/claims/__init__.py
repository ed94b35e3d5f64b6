"""The paper's claims put to the published measurements: a claim, or claims of one kind, a file; judged together."""
