"""Faults on purpose: the rows of the fault plan, each a seeded trial with a pass line.

`make faults` runs every row at its per-change count, `wvl bench faults` at its nightly count, and
`make test` what fits into its quarter of an hour. A trial uses the real store, nodes, robot
protocol and camera SDK; nothing of the product imports this room.
"""
