"""Benchmarks that need adapters, the virtual cell or ROS; `wvl bench` runs them."""
