"""What makes the pictures of docs/perturbations.md: `python -m docs.perturbations`."""
