"""One thin module per DVC stage, named like it: parse, read, call one pure function, write."""
