"""What several surfaces of the page use."""
