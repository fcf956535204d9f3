"""What the figures of several wings share: style, panels, the arrangement of what they read."""
