"""Speed and memory as ratios against the naive or the peer's way, both measured in one run."""
