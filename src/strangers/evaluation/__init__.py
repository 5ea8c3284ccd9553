"""How good, how varied, how original and how fair generated faces are, in numbers that can be repeated."""
