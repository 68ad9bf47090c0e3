"""Scripts for the simulator Brian 2."""
