"""What people run beside the pipeline: forecasts, claims, provenance, the gallery, bundles, models."""
