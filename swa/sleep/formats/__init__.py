"""The forms in which labs store scorings: one file a family of them, and `registry` that knows them all."""
