"""What an extension's author imports: records, protocols, the registry, errors and the vocabulary."""
