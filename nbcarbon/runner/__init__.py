"""`nbcarbon run`: a notebook executed in a real kernel, every cell measured, the cost shown."""
