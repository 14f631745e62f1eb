"""The only room that imports rclpy: nodes that convert, call and publish."""
