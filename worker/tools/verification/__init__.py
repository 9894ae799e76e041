"""Judges from the topics alone whether every request ended as promised; takes some bits of memory an offset."""
