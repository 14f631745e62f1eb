"""The SANS store: episodes on disk, their labels, views of them."""
