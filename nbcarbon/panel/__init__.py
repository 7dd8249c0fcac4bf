"""The live panel: what it says, the charts it shows and the page's part of it."""
