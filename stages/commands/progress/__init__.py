"""The question `progress`: what every version so far was worth, and whether iterating still pays."""
