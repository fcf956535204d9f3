"""What identifies and stores work: specs, code manifests, files, the frame of stages, provenance."""
