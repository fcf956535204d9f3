"""The figures of this wing, and what several of them share."""
