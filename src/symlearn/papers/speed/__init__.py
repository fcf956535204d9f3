"""What the work of the other wings costs."""
