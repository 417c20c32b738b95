"""Running a container's program: as a process, or in Docker."""
