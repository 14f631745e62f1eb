"""The outer circle as named, resumable stages."""
