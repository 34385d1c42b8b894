"""Files to photos: scanning, inspecting, importing, watching."""
