"""Tables in, tables out: effects, questions, synthesis. Formulas live in `pipeline.meta`."""
