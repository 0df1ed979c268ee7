"""One file of adapters for each room of `pipeline.meta`, with the outside number behind each row of its tables."""
