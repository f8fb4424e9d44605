"""Training runs that explorers show: the scripts that made them, and what they found."""
