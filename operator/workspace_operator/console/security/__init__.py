"""What keeps strangers out: cookies, origins, tokens of forms, headers, rates."""
