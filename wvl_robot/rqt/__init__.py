"""The labelling panel."""
