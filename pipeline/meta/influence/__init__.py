"""What single studies do to a result: diagnostics, leave-one-out, cumulative, subsets."""
