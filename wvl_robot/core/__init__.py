"""Alignment, schedule, safety, session: pure logic without rclpy, torch or any SDK."""
