"""Values that every part of the album speaks of; nothing here reads or writes."""
