"""What papers print, turned into effects and standard errors, and effects from one scale to another."""
