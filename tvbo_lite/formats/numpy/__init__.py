"""Python scripts that need numpy only."""
