"""What is asked of a trained network, and by whom."""
