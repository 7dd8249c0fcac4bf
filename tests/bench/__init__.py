"""What nbcarbon itself costs and how exact it is: plain scripts, each one goal, `make bench`."""
