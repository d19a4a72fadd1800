"""Facts in words: names, numbers, sentences, methods text."""
