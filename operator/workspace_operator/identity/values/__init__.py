"""Values: references, rules, e-mail keys, attributes, devices, events, times, and limits of text and JSON."""
