"""Frames in order: shot, kept in a reel, and encoded to a movie file."""
