"""A package, so that no other package of this name (some libraries bring theirs along) is taken for it."""
