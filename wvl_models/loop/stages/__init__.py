"""The stages of one way round; each takes the circle and returns what it found, as JSON."""
