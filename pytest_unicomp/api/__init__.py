"""The names that the author of an extension imports: records, protocols, the registry, errors and the vocabulary."""
