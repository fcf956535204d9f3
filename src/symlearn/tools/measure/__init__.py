"""The measures of all four papers, of any model of timm, on one's own pictures."""
