"""A host with every role, whose bring-up is cut off again and again."""
