"""A photo to its class, and classes to labels."""
