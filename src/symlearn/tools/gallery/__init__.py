"""The figures of a preset as one page that needs nothing else: pictures, claims, provenance."""
