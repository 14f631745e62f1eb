"""What both sides agree on: types, units, frames, transforms. numpy only."""
