"""The Upload tab."""
