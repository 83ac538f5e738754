"""Values: references, rules, e-mail keys, attributes, devices, events, and the limits of texts and JSON."""
