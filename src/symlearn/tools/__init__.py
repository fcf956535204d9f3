"""What people run beside the pipeline: forecasts, claims, provenance, gallery, bundles, models."""
