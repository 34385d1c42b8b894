"""Backup, restore, verification and repair."""
