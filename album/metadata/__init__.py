"""Photo metadata: EXIF, IPTC, XMP, Google Takeout, file names, places."""
