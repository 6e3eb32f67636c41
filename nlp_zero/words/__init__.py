"""Words: counts, discovery, lexicon, segmentation."""
