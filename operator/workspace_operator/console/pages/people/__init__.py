"""Pages about people: the search, one person, and a merge of two."""
