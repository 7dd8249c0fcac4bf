"""The parts of the HTML report: what it says, what it shows, where figures come from, and the page around them."""
