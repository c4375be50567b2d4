"""Write the model card from the reports of a run."""
