"""What a model, its data and its training are: plain values, without an opinion."""
