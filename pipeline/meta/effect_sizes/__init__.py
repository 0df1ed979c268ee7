"""Effects of single studies with their sampling variances, from what a study counted or measured."""
