"""What a script for ParaView is made of: the movie as tables that people can read, and the frames' going through."""
