"""Effects that are not independent: clusters, shared arms, several outcomes, multilevel models, robust errors."""
