"""What files say about a photo: EXIF, IPTC, XMP, Takeout, names, places."""
