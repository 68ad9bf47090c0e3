"""How things show themselves in a notebook: as HTML that is small, and takes the colours around it."""
