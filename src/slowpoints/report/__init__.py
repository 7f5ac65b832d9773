"""What is made of all answers: page, explorer, comparison."""
