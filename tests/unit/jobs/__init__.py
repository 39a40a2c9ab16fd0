"""Jobs: what is rendered, sent and followed."""
