"""What identifies and stores work: specs, manifests of code, files, stages, provenance."""
