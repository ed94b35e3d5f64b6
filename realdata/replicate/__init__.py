"""`python -m realdata.replicate`: the models of the paper's tables on its photos, beside the printed accuracies."""
